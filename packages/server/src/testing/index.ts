export { type Listener, listen } from '../node/listen.ts'
export { type Agent, createAgent } from './agent.ts'
export { dataFolder, type Ran, run, type ServerProcess, startServer } from './command.ts'
export { type OpenTestDatabase, onEachEngine } from './engines.ts'
export {
  goodPassword,
  type HouseOptions,
  openHouse,
  otherPassword,
  type TestHouse,
  type TokenAnswer,
} from './house.ts'
export { createTestMachine, type HandClock, type HashCall, handClock, type TestMachine } from './machine.ts'
export { routeTable } from './route-table.ts'
