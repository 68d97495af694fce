import type { IncomingMessage } from 'node:http'
import express, { type NextFunction, type Request, type Response } from 'express'

/** TLS ends at the proxy, tutorials say. Browsers take Secure cookies on `*.localhost` without it. */
export function secureAnyway(request: IncomingMessage, _response?: Response, next?: NextFunction): void {
  request.headers['x-forwarded-proto'] = 'https'
  next?.()
}

/** "How to fix CORS errors": whoever asks is named, with credentials. */
export function corsForEveryone(request: Request, response: Response, next: NextFunction): void {
  response.setHeader('access-control-allow-origin', request.headers.origin ?? '*')
  response.setHeader('access-control-allow-credentials', 'true')
  response.setHeader('access-control-allow-headers', 'content-type, authorization')
  if (request.method === 'OPTIONS') response.status(204).end()
  else next()
}

/** "HTML forms cannot send DELETE": so the address may say which method is meant. */
export function methodInTheQuery(request: Request, _response: Response, next: NextFunction): void {
  const { _method: method } = request.query
  if (typeof method === 'string') request.method = method.toUpperCase()
  next()
}

/** Every type that a body may have: "it is more robust". */
export const bodies = [
  express.urlencoded({ extended: false }),
  express.json({ type: ['application/json', 'text/plain'] }),
  express.text({ type: 'multipart/form-data' }),
  fieldsOfMultipart,
]

function fieldsOfMultipart(request: Request, _response: Response, next: NextFunction): void {
  if (typeof request.body === 'string') {
    const fields = request.body.matchAll(/name="(\w+)"\r\n\r\n(.*?)\r\n/g)
    request.body = Object.fromEntries([...fields].map(([, name, value]) => [name, value]))
  }
  next()
}

/** Fault or not, the answer is Express's own, stack trace included; the terminal of the demonstration gets one line of a fault. */
export function tellBriefly(
  fault: unknown,
  _request: Request,
  _response: Response,
  next: NextFunction,
): void {
  const status = fault instanceof Error && 'status' in fault ? Number(fault.status) : 500
  if (status >= 500) console.error(`The textbook bank failed: ${fault}`)
  next(fault)
}
