export {
  deviceCookie,
  deviceCookieName,
  endedSessionCookie,
  setCookies,
  signUpCookie,
  signUpCookieName,
} from './cookie.ts'
export type { Handed } from './handing.ts'
export { type Carriers, createCarriers, stalenessFor } from './operations.ts'
export { carrierRoutes } from './routes.ts'
