import { ada, mallory } from './people.ts'

/** Where `counterfoil attack` finds out how each bank is attacked, and that its owner agrees. */
export const attackPath = '/.well-known/counterfoil-attack.json'

const account = { name: ada.email, password: ada.password }
const payment = `to=${mallory.email}&amount=0.01`

export const bankDescription = {
  consent: true,
  account,
  cookie: { sign_in: 'POST /auth/sign-in {"email":"{name}","password":"{password}"}' },
  token: {
    sign_in: 'POST /auth/sign-in {"email":"{name}","password":"{password}","carrier":"token"}',
    refresh: 'refresh_token',
    refresh_by: 'POST /oauth/token grant_type=refresh_token&refresh_token={refresh_token}',
    proof: true,
  },
  who: '/auth/session',
  act: `POST /payments ${payment}`,
  effect: { request: '/balance', member: 'balance' },
  sign_out: 'POST /auth/sign-out',
  redirect: 'POST /sign-in email={name}&password={password}&next={url}',
  socket: '/live',
}

export const textbookDescription = {
  consent: true,
  account,
  cookie: { sign_in: 'POST /sign-in email={name}&password={password}' },
  token: {
    sign_in: 'POST /token {"email":"{name}","password":"{password}"}',
    access: 'token',
    sign_out: 'forget',
  },
  who: '/balance',
  act: `POST /payments ${payment}`,
  effect: { request: '/balance', member: 'balance' },
  sign_out: 'POST /sign-out',
  socket: '/live',
}
