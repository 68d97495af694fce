import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isUnavailable, withState } from './unavailable.ts'

const coded = (code: unknown, more: object = {}) => Object.assign(new Error('no'), { code, ...more })

const cases: [what: string, error: unknown, isAway: boolean][] = [
  ['the connection broke', coded('08006'), true],
  ['nobody listens', coded('ECONNREFUSED'), true],
  ['the connection was reset', coded('ECONNRESET'), true],
  ['the name is not known at this moment', coded('EAI_AGAIN'), true],
  ['no answer came', coded('ETIMEDOUT'), true],
  ['the server is told to stop', coded('57P01'), true],
  ['the server is starting', coded('57P03'), true],
  ['too many connections', coded('53300'), true],
  ['its disk is full', coded('53100'), true],
  ['a lock was not had in time', coded('55P03'), true],
  ['a statement took too long', coded('57014'), true],
  ['a transaction idled', coded('25P03'), true],
  ['a transaction took too long', coded('25P04'), true],
  ['it is a replica now', coded('25006'), true],
  ['given up again and again', coded('40P01'), true],
  ['the file is locked', coded('ERR_SQLITE_ERROR', { errcode: 5 }), true],
  ['the file is locked by a snapshot', coded('ERR_SQLITE_ERROR', { errcode: 517 }), true],
  ['the disk under the file is full', coded('ERR_SQLITE_ERROR', { errcode: 13 }), true],
  ['a row that is there already', coded('23505'), false],
  ['a table that is not there', coded('42P01'), false],
  ['a wrong password for the database', coded('28P01'), false],
  ['a broken rule of the file', coded('ERR_SQLITE_ERROR', { errcode: 19 }), false],
  ['an error without a code', new Error('no'), false],
  ['a code that is a number', coded(8006), false],
  ['something that is no error', { code: '08006' }, false],
]

for (const [what, error, isAway] of cases)
  test(`${what}: ${isAway ? 'the database is away' : 'something is wrong'}`, () => {
    assert.equal(isUnavailable(error), isAway)
  })

test('what the driver says in words alone counts as a lost connection, and a code that is there stays', () => {
  assert.equal(isUnavailable(withState(new Error('timeout exceeded when trying to connect'))), true)
  assert.equal(isUnavailable(withState(coded('23505'))), false)
  assert.equal(withState('no error'), 'no error')
})
