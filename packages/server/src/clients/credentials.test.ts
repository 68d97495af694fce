import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fuzz } from '../testing/fuzz.ts'
import { readBasic } from './credentials.ts'

const encoded = (text: string) => Buffer.from(text).toString('base64')

const headers: [name: string, header: string | null, read: { id: string; secret: string } | null][] = [
  ['id and secret', `Basic ${encoded('id:secret')}`, { id: 'id', secret: 'secret' }],
  [
    'the example of RFC 6749 2.3.1',
    'Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3',
    { id: 's6BhdRkqt3', secret: '7Fjfp0ZBr1KtDRbnfVdmIw' },
  ],
  ['the scheme in any case', `bAsIc ${encoded('id:secret')}`, { id: 'id', secret: 'secret' }],
  ['a colon in the secret', `Basic ${encoded('id:a:b')}`, { id: 'id', secret: 'a:b' }],
  ['a colon in the id, form-encoded', `Basic ${encoded('i%3Ad:s')}`, { id: 'i:d', secret: 's' }],
  ['plus and percent, form-encoded', `Basic ${encoded('a+b:%25%2B')}`, { id: 'a b', secret: '%+' }],
  ['nothing before and after the colon', `Basic ${encoded(':')}`, { id: '', secret: '' }],
  ['no header', null, null],
  ['an empty header', '', null],
  ['no colon', `Basic ${encoded('id')}`, null],
  ['a broken escape', `Basic ${encoded('id:%')}`, null],
  ['another scheme', `Bearer ${encoded('id:secret')}`, null],
  ['no scheme', encoded('id:secret'), null],
  ['two spaces', `Basic  ${encoded('id:secret')}`, null],
  ['something after it', `Basic ${encoded('id:secret')} x`, null],
  ['two of them, joined as headers are', `Basic ${encoded('id:s')}, Basic ${encoded('id:s')}`, null],
  ['base64url', `Basic ${encoded('id:~~~???').replaceAll('/', '_')}`, null],
  ['too much', `Basic ${encoded(`id:${'s'.repeat(2000)}`)}`, null],
]

for (const [name, header, read] of headers) {
  test(`${name}: ${read === null ? 'no credential' : 'a credential'}`, () => {
    assert.deepEqual(readBasic(header), read)
  })
}

test('whatever id and secret are, form-encoded they arrive, and no header makes the reader throw', async (context) => {
  const text = fc.string({ unit: 'binary', maxLength: 20 }).filter((value) => value.isWellFormed())
  const inputs = fc.tuple(text, text, fc.string({ unit: 'binary' }))
  const form = (value: string) => encodeURIComponent(value).replaceAll('%20', '+')
  await fuzz(context, { inputs }, ([id, secret, header]) => {
    const shown = encoded(`${form(id)}:${form(secret)}`)
    if (shown.length <= 1024) assert.deepEqual(readBasic(`Basic ${shown}`), { id, secret })
    readBasic(header)
    readBasic(`Basic ${header}`)
    readBasic(`Basic ${encoded(header)}`)
  })
})
