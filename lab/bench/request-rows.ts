import type { Contender } from './contenders.ts'
import { type Row, rowOf, type Target } from './figures.ts'
import { type Round, ratesOf } from './rounds.ts'

const question = 'GET /me in a second of the processor time of the server, beside others'
export const besideNothing =
  'GET /me in a second of the processor time of the server, beside an application that checks nothing'

const cookie = 'node, counterfoil by cookie'
const express = 'express, counterfoil by cookie'
/** What is compared, and what has to come out; without a number it is there to be seen. */
const compared: readonly [ours: string, theirs: string, least: number | null][] = [
  [cookie, 'node, Better Auth with SQLite', 20],
  [cookie, 'node, Better Auth with SQLite, cookie cache', 12],
  [cookie, 'node, Better Auth with PostgreSQL', null],
  [cookie, 'node, Better Auth with PostgreSQL, cookie cache', null],
  [cookie, 'node, iron-session', null],
  ['node, counterfoil by bearer', 'node, Better Auth, bearer plugin', null],
  ['node, counterfoil by bearer', 'node, Better Auth, JWT plugin and jose', null],
  [express, 'express, express-session with PostgreSQL', 3],
  [express, 'express, express-session with Redis', 1.5],
  [express, 'express, express-session in memory', null],
  ['express, counterfoil by bearer', 'express, jsonwebtoken', null],
  ['express, counterfoil by bearer', 'express, passport-jwt', null],
  ['fastify, counterfoil by cookie', 'fastify, @fastify/secure-session', null],
  ['fastify, counterfoil by bearer', 'fastify, fast-jwt (@fastify/jwt)', null],
  ['fastify, counterfoil by bearer', 'fastify, fast-jwt (@fastify/jwt), its cache on', null],
  ['hono, counterfoil by bearer', 'hono, jose', null],
]

export function requestRows(rounds: readonly Round[], contenders: readonly Contender[]): Row[] {
  const names = contenders.map(({ name }) => name)
  const rates = (name: string) => ratesOf(rounds, name)
  const alone = names.map((candidate) => {
    const framework = candidate.split(',', 1)[0]
    const against = rates(`${framework}, no check`)
    return rowOf({ question: besideNothing, candidate, unit: '1/s', values: rates(candidate), against })
  })
  const beside = compared
    .filter(([ours, theirs]) => names.includes(ours) && names.includes(theirs))
    .map(([ours, theirs, least]) => {
      const target: Target | null =
        least === null ? null : { of: 'ratio', least, text: `>= ${least} x ${theirs.replace(/^\w+, /, '')}` }
      return rowOf({
        ...{ question, candidate: `${ours} / ${theirs.replace(/^\w+, /, '')}`, unit: '1/s' },
        ...{ values: rates(ours), against: rates(theirs), ...(target === null ? {} : { target }) },
      })
    })
  return [...alone, ...beside]
}
