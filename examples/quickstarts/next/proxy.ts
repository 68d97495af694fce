import { NextResponse } from 'next/server'
import { proxy as guard } from './app/counterfoil'

/** The server's own paths, and no forged request to a route or an action that asked for nothing. */
export const proxy = async (request: Request) => (await guard(request)) ?? NextResponse.next()
