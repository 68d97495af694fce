/** An attack of the catalogue, and where it is played. docs/threats.md has the same sentence, and names each test. */
export type Attack = {
  id: string
  attack: string
  /** Files in which it first succeeds at the textbook, and then fails at ours. */
  falls: readonly string[]
  /** Files in which it only fails at ours. */
  also: readonly string[]
  /** What of it has no control, and why; or what a control shows. `null`: nothing to say. */
  note: string | null
}

const byBrowser = 'forged-requests.browser.test.ts'
const bySocket = 'forged-requests.test.ts'
const cookies = 'cookies.test.ts'
const sessions = 'sessions.test.ts'
const windows = 'windows.browser.test.ts'
const carriers = 'changed-carriers.test.ts'
const lifetimes = 'lifetimes.test.ts'
const locks = 'lock-order.test.ts'
const proofs = 'new-proof.test.ts'

const row = (
  id: string,
  attack: string,
  falls: readonly string[],
  more: { also?: readonly string[]; note?: string } = {},
): Attack => ({ id, attack, falls, also: more.also ?? [], note: more.note ?? null })

/** Forged requests and sessions, each with the place in which it is seen to be real. catalogue.test.ts holds it to that. */
export const catalogue: readonly Attack[] = [
  row('A-1', 'Another site posts an ordinary form to us', [byBrowser, bySocket]),
  row('A-2', 'JSON inside a form of type `text/plain`, which needs no preflight', [byBrowser, bySocket]),
  row('A-3', 'Script of another site sends a multipart form without CORS', [byBrowser, bySocket]),
  row('A-4', 'Script of another site sends real JSON and hopes for the preflight', [byBrowser, bySocket]),
  row('A-5', 'A sibling subdomain, to which SameSite is no obstacle', [byBrowser, bySocket]),
  row('A-6', 'Another port of the same host', [byBrowser, bySocket]),
  row('A-7', 'The same host without TLS, where somebody on the way writes the page', [bySocket]),
  row('A-8', 'A sandboxed frame or data page, whose origin is `null`', [byBrowser, bySocket]),
  row('A-9', 'A `null` origin together with an absent or empty `Host`', [bySocket]),
  row('A-10', 'A cookie with no word about where the request comes from', [bySocket]),
  row('A-11', 'Headers that contradict each other, as something on the way may cause', [bySocket]),
  row('A-12', 'The method smuggled in a header, the query or the body', [bySocket]),
  row('A-13', 'A changing route reached by a safe method, or by another spelling of its own', [bySocket], {
    note: "Other spellings (`post`, `TRACK`) are refused by Node's own parser, at the textbook too; safe and rarer methods reach it.",
  }),
  row('A-14', 'An origin that looks like an allowed one, in the hope that it is echoed', [bySocket]),
  row('A-15', 'Every origin let in together with credentials', [bySocket], {
    note: 'Browsers send no cookie where `*` is said, so what falls is what needs none.',
  }),
  row('A-16', "Signing the victim's browser in to the attacker's account", [byBrowser, bySocket]),
  row('A-17', 'A sibling tosses a cookie for the whole domain', [byBrowser, cookies]),
  row('A-18', 'Two session cookies, or one disguised by blanks, quotes, case or encoding', [cookies]),
  row('A-19', 'A sibling fills the jar until our requests no longer fit', [cookies], {
    also: [byBrowser],
    note: 'In the browser there is no control: the textbook answers 431 as well. By socket one whose limit was raised reads it all.',
  }),
  row('A-20', 'Signing somebody out by an image, a link or a form', [byBrowser, bySocket]),
  row('A-21', 'Messages between windows from or to a foreign origin; no flow of ours uses any', [windows]),
  row('A-22', 'Registering a device-bound session by script; none are offered, so nothing of it is read', [
    carriers,
  ]),
  row('A-23', 'Planting a session before the victim signs in', [sessions], { also: [locks, proofs] }),
  row('A-24', 'A credential from before a new proof is used after it', [sessions], { also: [proofs] }),
  row('A-25', 'A credential put into an address, a body or a header of another name', [sessions]),
  row('A-26', 'Guessing session cookies', ['guesses.long.test.ts'], {
    note: 'A million random guesses find nothing anywhere: the textbook falls to guesses at numbers, signed with a known secret.',
  }),
  row('A-27', 'Reading a dump of the database', [sessions], {
    note: 'The secret that signs cookies is not in its table, but in every copy of the README.',
  }),
  row('A-28', 'A request, a refresh or a slow sign-in that races the end', [sessions], {
    also: ['dead-on-arrival.test.ts', locks],
  }),
  row('A-29', 'A credential of one deployment shown to another', [sessions]),
  row('A-30', 'A page that polls keeps a forgotten session alive', [lifetimes]),
  row('A-31', 'Using or refreshing a session past its absolute end', [lifetimes]),
  row('A-32', 'A row deleted by hand or a restored backup revives what was revoked', [
    'feed-restore.test.ts',
  ]),
  row('A-33', 'Injected script turns the cookie into a token that travels', [carriers]),
  row(
    'A-34',
    'A half-finished sign-up used as a session; second factors, whose half-finished sign-ins this is also about, do not exist yet',
    [sessions],
  ),
  row('A-35', 'A shared cache keeps one person’s answer for the next', [sessions]),
  row('A-36', 'Going back after signing out', [windows]),
]
