import { DatabaseSync } from 'node:sqlite'

/** One line of a statement of account, as its holder sees it. Amounts are whole cents. */
export type Payment = { other: string; cents: number; note: string; at: number }

export type Outcome = 'paid' | 'payee_unknown' | 'not_covered'

export type Ledger = {
  /** The balance in cents. A holder who is new here begins with a gift. */
  balance(holder: string): number
  pay(order: { from: string; to: string; cents: number; note: string }): Outcome
  /** How many cents ever went out with a note that begins like this. */
  spent(holder: string, noteStart: string): number
  /** The last ones first; what went out is negative. */
  payments(holder: string): Payment[]
  /** Everybody is as rich as on the first day. */
  startOver(): void
  close(): void
}

const giftCents = 125_000

/** Both banks of this demonstration keep their money with this one: they differ in who may move it. */
export function openLedger(path: string): Ledger {
  const db = new DatabaseSync(path)
  db.exec(`
    create table if not exists holder (name text primary key, cents integer not null check (cents >= 0)) strict;
    create table if not exists payment (
      id integer primary key, payer text not null, payee text not null,
      cents integer not null check (cents > 0), note text not null, at integer not null
    ) strict`)
  const open = db.prepare('insert into holder (name, cents) values (?, ?) on conflict do nothing')
  const find = db.prepare('select cents from holder where name = ?')
  const take = db.prepare('update holder set cents = cents - ?1 where name = ?2 and cents >= ?1')
  const give = db.prepare('update holder set cents = cents + ? where name = ?')
  const record = db.prepare('insert into payment (payer, payee, cents, note, at) values (?, ?, ?, ?, ?)')
  const list = db.prepare('select * from payment where payer = ?1 or payee = ?1 order by id desc limit 6')

  const sum = db.prepare(
    'select coalesce(sum(cents), 0) as cents from payment where payer = ?1 and substr(note, 1, length(?2)) = ?2',
  )

  function pay({ from, to, cents, note }: Parameters<Ledger['pay']>[0]): Outcome {
    if (find.get(to) === undefined || to === from) return 'payee_unknown'
    // Covered and taken in one statement: two payments at once cannot spend the same money.
    if (take.run(cents, from).changes === 0) return 'not_covered'
    give.run(cents, to)
    record.run(from, to, cents, note, Date.now())
    return 'paid'
  }

  return {
    balance(holder) {
      open.run(holder, giftCents)
      return Number(find.get(holder)?.cents)
    },
    pay(order) {
      db.exec('begin immediate')
      const outcome = pay(order)
      db.exec(outcome === 'paid' ? 'commit' : 'rollback')
      return outcome
    },
    spent: (holder, noteStart) => Number(sum.get(holder, noteStart)?.cents),
    payments(holder) {
      return list.all(holder).map((row) => {
        const isOut = row.payer === holder
        return {
          other: String(isOut ? row.payee : row.payer),
          cents: Number(row.cents) * (isOut ? -1 : 1),
          note: String(row.note),
          at: Number(row.at),
        }
      })
    },
    startOver() {
      db.exec(`delete from payment; update holder set cents = ${giftCents}`)
    },
    close: () => db.close(),
  }
}

/** `12`, `12.5` or `12.50`, as a number or as text, in whole cents; `null` for anything else. */
export function centsOf(amount: unknown): number | null {
  if (typeof amount !== 'string' && typeof amount !== 'number') return null
  const [, whole, part = ''] = /^(\d{1,7})(?:\.(\d{1,2}))?$/.exec(String(amount).trim()) ?? []
  if (whole === undefined) return null
  const cents = Number(whole) * 100 + Number(part.padEnd(2, '0'))
  return cents > 0 ? cents : null
}

const euros = new Intl.NumberFormat('en-IE', { style: 'currency', currency: 'EUR' })

export function money(cents: number): string {
  return euros.format(cents / 100)
}
