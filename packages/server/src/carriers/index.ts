export { stalenessFor } from './asked.ts'
export {
  deviceCookie,
  deviceCookieName,
  endedSessionCookie,
  setCookies,
  signUpCookie,
  signUpCookieName,
} from './cookie.ts'
export type { Handed } from './handing.ts'
export { type Carriers, createCarriers } from './operations.ts'
export { carrierRoutes } from './routes.ts'
