export {
  deviceCookie,
  deviceCookieName,
  endedSessionCookie,
  setCookies,
  signUpCookie,
  signUpCookieName,
} from './cookie.ts'
export { type Carriers, createCarriers, type Handed, stalenessFor } from './operations.ts'
export { carrierRoutes } from './routes.ts'
