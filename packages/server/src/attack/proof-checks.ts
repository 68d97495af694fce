import { accepted, type Check, refused, skipped, unjudged } from './check.ts'
import { mustRefresh, refreshable, refreshWith } from './ending-checks.ts'
import { macOf, publicKeysOf, spellingsOf } from './jwt.ts'
import { lacks } from './lacking.ts'
import { addressFor, type Draft, type Holder, hashOf, newHolder, type Proving, sendProven } from './proof.ts'
import { isAlive, isSignedIn, request, type Scene, type Session, showsAccount, trySignIn } from './scene.ts'
import type { Header } from './wire.ts'

type Bound = Session & { holder: Holder; access: string }

/** A sign-in whose tokens are bound to our key; the one from before where it still lives. The control of every check here. */
async function bound(scene: Scene): Promise<Bound> {
  needBinding(scene)
  const before = scene.shared.get('bound') as Bound | undefined
  if (before !== undefined && (await isAlive(scene, before))) return before
  const holder = await newHolder(scene)
  const session = await trySignIn(scene, { carrier: 'token', holder })
  const { access, answer } = session
  if (access === null || !(await isAlive(scene, session))) {
    throw unjudged(
      access !== null && (await isSignedIn(scene, bearing(access)))
        ? 'the token of a sign-in with a proof is not bound to its key; see bound-as-bearer'
        : `signing in by token with a proof was answered ${answer.status}, and nobody was signed in after it`,
    )
  }
  const whole = { ...session, holder, access }
  scene.shared.set('bound', whole)
  return whole
}

function needBinding({ description }: Scene): void {
  if (description.token === null) throw unjudged(lacks('token.sign_in'))
  if (!description.token.proof) throw unjudged(lacks('token.proof'))
}

type Shown = {
  what: string
  /** Whose proof: the holder's unless said. `null`: none. */
  by?: Holder | null
  bend?: Proving['bend']
}

type Rule = Omit<Check, 'run'>

/** A check that shows the bound token beside something else than the right proof for it. */
function proofCheck(rule: Rule, make: (scene: Scene, session: Bound) => Promise<Shown[]>): Check {
  return {
    ...rule,
    async run(scene) {
      const session = await bound(scene)
      const shown = await make(scene, session)
      for (const one of shown) {
        if (await isTaken(scene, session, one)) return accepted(`${one.what}: signed in`)
      }
      await bound(scene)
      return refused(`${shown.length} refused; the right proof is signed in`)
    },
  }
}

const bearing = (access: string): Header[] => [['Authorization', `Bearer ${access}`]]
const asDpop = ({ access }: Bound): Header => ['Authorization', `DPoP ${access}`]

async function isTaken(scene: Scene, session: Bound, { by = session.holder, bend }: Shown): Promise<boolean> {
  const sent = request(scene.who, [asDpop(session)])
  if (by === null) return showsAccount(scene, await scene.send(sent))
  const proving = { holder: by, token: session.access, ...(bend === undefined ? {} : { bend }) }
  return showsAccount(scene, (await sendProven(scene, sent, proving)).answer)
}

/** The holder's proof, with other claims; `undefined` leaves one out. */
const claiming = (claims: Record<string, unknown>) => (draft: Draft) => ({
  ...draft,
  claims: { ...draft.claims, ...claims },
})

const asBearer: Check = {
  id: 'bound-as-bearer',
  sentence: 'A token that is bound to a key is taken as a plain Bearer token.',
  severity: 'high',
  remedy: 'Refuse a token that names a key (cnf.jkt) under any scheme but DPoP (RFC 9449 section 7.2).',
  async run(scene) {
    needBinding(scene)
    const { access } = await trySignIn(scene, { carrier: 'token', holder: await newHolder(scene) })
    if (access !== null && (await isSignedIn(scene, bearing(access))))
      return accepted('the token of a sign-in with a proof works as Bearer, without any')
    await bound(scene)
    return refused('refused as Bearer; with its proof it is signed in')
  },
}

const withoutProof = proofCheck(
  {
    id: 'bound-without-proof',
    sentence: 'A token that is bound to a key is taken without any proof.',
    severity: 'high',
    remedy: 'Refuse a request by DPoP that has not exactly one DPoP header (RFC 9449 section 4.3).',
  },
  async () => [{ what: 'no proof', by: null }],
)

const replayed: Check = {
  id: 'proof-replayed',
  sentence: 'The same proof is taken twice, so whoever reads a request can send it again.',
  severity: 'low',
  remedy:
    'Remember the jti of each proof for as long as it would be taken (RFC 9449 section 11.1), or take each nonce once.',
  async run(scene) {
    const session = await bound(scene)
    const { holder, access: token } = session
    const sent = request(scene.who, [asDpop(session)])
    const { answer, shown } = await sendProven(scene, sent, { holder, token })
    if (!showsAccount(scene, answer)) return skipped(`the proof was answered ${answer.status} the first time`)
    return showsAccount(scene, await scene.send(shown))
      ? accepted('the same request, sent again as it was, is signed in again')
      : refused('sent again as it was, the request is refused')
  },
}

const bindRemedy =
  'Compare htm and htu with the method and the address of the request itself (RFC 9449 section 4.3).'

const otherMethod = proofCheck(
  {
    id: 'proof-other-method',
    sentence: 'A proof that was made for another method is taken.',
    severity: 'medium',
    remedy: bindRemedy,
  },
  async ({ who }) => {
    const htm = who.method === 'POST' ? 'GET' : 'POST'
    return [{ what: `a proof for ${htm}`, bend: claiming({ htm }) }]
  },
)

const otherAddress = proofCheck(
  {
    id: 'proof-other-address',
    sentence: 'A proof that was made for another address is taken.',
    severity: 'medium',
    remedy: bindRemedy,
  },
  async (scene) => {
    const own = addressFor(scene, scene.who.path)
    const elsewhere = `https://attacker.example${new URL(own).pathname}`
    return [
      { what: 'a proof for another path', bend: claiming({ htu: `${own}-of-others` }) },
      { what: 'a proof for another host', bend: claiming({ htu: elsewhere }) },
    ]
  },
)

const otherKey = proofCheck(
  {
    id: 'proof-other-key',
    sentence: 'A proof by any key is taken, so a thief of the token makes one of their own.',
    severity: 'high',
    remedy:
      'Compare the thumbprint of the key (RFC 7638) with the cnf.jkt of the token (RFC 9449 section 7.1).',
  },
  async (scene) => [{ what: 'a proof by another key', by: await newHolder(scene) }],
)

const otherToken = proofCheck(
  {
    id: 'proof-other-token',
    sentence: 'A proof that was made for another access token, or for none, is taken.',
    severity: 'medium',
    remedy: 'Compare ath with the hash of the access token beside it (RFC 9449 section 4.3).',
  },
  async ({ tools }) => [
    { what: 'ath of another token', bend: claiming({ ath: hashOf(tools.entropy.id()) }) },
    { what: 'no ath', bend: claiming({ ath: undefined }) },
  ],
)

const hourSeconds = 3_600

const untimely = proofCheck(
  {
    id: 'proof-untimely',
    sentence: 'A proof from another hour is taken: an old one, or one that was made in advance.',
    severity: 'medium',
    remedy:
      'Take a proof only within a minute or so of its iat, on both sides, or ask for a nonce of yours (RFC 9449 sections 8 and 11.2).',
  },
  async ({ tools }) => {
    const now = tools.clock.now()
    // Where a nonce of this minute tells the time, iat need not (section 4.3); who made it in another hour has none.
    const nonce = undefined
    return [
      { what: 'a proof made an hour ago', bend: claiming({ nonce, iat: now - hourSeconds }) },
      { what: 'a proof dated an hour ahead', bend: claiming({ nonce, iat: now + hourSeconds }) },
    ]
  },
)

const unsigned = proofCheck(
  {
    id: 'proof-unsigned',
    sentence:
      'A proof is taken that the key in it has not signed, so who has seen one proof makes any other.',
    severity: 'high',
    remedy:
      'Check the signature with the key in the proof, and take asymmetric algorithms of a fixed list alone (RFC 9449 section 4.3).',
  },
  async (scene, { holder }) => {
    const { sign } = await newHolder(scene)
    const under = (alg: string, signing: Draft['sign']) => (draft: Draft) => ({
      ...draft,
      header: { ...draft.header, alg },
      sign: signing,
    })
    const { keys } = publicKeysOf(JSON.stringify({ keys: [holder.jwk] }))
    const asSecrets = keys
      .flatMap(spellingsOf)
      .map((secret) => under('HS256', (input) => macOf('HS256', input, secret) ?? ''))
    return [
      { what: 'a proof that another key signed', bend: under('ES256', sign) },
      { what: 'a proof without a signature', bend: under('ES256', () => '') },
      ...['none', 'None'].map((alg) => ({ what: `a proof by alg "${alg}"`, bend: under(alg, () => '') })),
      ...asSecrets.map((bend) => ({ what: 'a proof by HS256 with the public key as secret', bend })),
    ]
  },
)

const privateKey = proofCheck(
  {
    id: 'proof-private-key',
    sentence: 'A proof that shows its private key is taken, though nobody holds that key alone any more.',
    severity: 'low',
    remedy: 'Refuse a proof whose jwk has a private member (RFC 9449 section 4.3).',
  },
  async (_, { holder }) => [
    {
      what: 'a proof with the private key in its jwk',
      bend: (draft) => ({ ...draft, header: { ...draft.header, jwk: holder.privateJwk } }),
    },
  ],
)

const refreshWithoutKey: Check = {
  id: 'refresh-without-key',
  sentence: 'A refresh token that is bound to a key brings tokens of use to who does not have the key.',
  severity: 'high',
  remedy: 'Ask for a proof by the same key at each refresh (RFC 9449 section 5).',
  async run(scene) {
    await bound(scene)
    const first = await refreshable(scene, { holder: await newHolder(scene) })
    const next = await mustRefresh(scene, first)
    const stolen = { ...next, refresh: next.refresh ?? first.refresh }
    const thief = await newHolder(scene)
    for (const [what, holder] of [
      ['without a proof', null],
      ['with a proof by another key', thief],
    ] as const) {
      const got = await refreshWith(scene, { ...stolen, holder })
      if (got !== null && (await isOfUse(scene, got))) return accepted(`refreshed ${what}: signed in`)
    }
    return refused('without the key nothing of use is handed out; with it the refresh worked')
  },
}

const isOfUse = async (scene: Scene, got: Session): Promise<boolean> =>
  (await isAlive(scene, { ...got, holder: null })) || (got.holder !== null && (await isAlive(scene, got)))

export const proofChecks: readonly Check[] = [
  ...[asBearer, withoutProof, replayed, otherMethod, otherAddress, otherKey, otherToken, untimely],
  ...[unsigned, privateKey, refreshWithoutKey],
]
