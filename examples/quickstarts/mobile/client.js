// What an app on a phone does with tokens. `store` keeps one text where the system keeps secrets (Keychain, Keystore);
// `key`, if there is one, signs a proof for each request, and then a copy of a token is worth nothing.

const systemTime = () => Math.floor(Date.now() / 1000)

export function createClient({ server, store, key = null, now = systemTime }) {
  let access = null // in memory alone: it lives for five minutes
  let nonce = null
  let renewing = null

  async function send(path, { method = 'GET', headers = {}, body = null, token = null }) {
    const url = server + path
    const attempt = async () => {
      const shown = token === null ? {} : { authorization: `${key === null ? 'Bearer' : 'DPoP'} ${token}` }
      const proof = key === null ? {} : { dpop: key.proof({ method, url, token, nonce, now: now() }) }
      const sent = { ...headers, ...shown, ...proof }
      // A token goes to the server that it is for, and along no redirect.
      const answer = await fetch(url, { method, headers: sent, body, redirect: 'error' })
      nonce = answer.headers.get('dpop-nonce') ?? nonce
      return answer
    }
    const answer = await attempt()
    const isAsked = key !== null && /use_dpop_nonce|proof_nonce_needed/.test(await refusalIn(answer))
    return isAsked ? attempt() : answer
  }

  /** The refresh token is kept before anything is done with the other one: the one before it is spent. */
  async function take({ access_token, refresh_token }) {
    await store.set(refresh_token)
    access = access_token
  }

  async function renew() {
    const kept = await store.get()
    if (kept === null) throw new Error('signed_out')
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: kept })
    const answer = await send('/oauth/token', { method: 'POST', body })
    if (answer.ok) return take(await answer.json())
    // Over for good: ended on another device, by time, or since somebody else used it. Anything else is for later.
    if (!/invalid_grant/.test(await refusalIn(answer)))
      throw new Error(`the server answered ${answer.status}`)
    await forget()
    throw new Error('signed_out')
  }

  /** Once for everybody who waits. */
  function renewed() {
    renewing ??= renew().finally(() => {
      renewing = null
    })
    return renewing
  }

  async function forget() {
    access = null
    await store.remove()
  }

  return {
    async signIn(email, password) {
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify({ email, password, carrier: 'token' })
      const answer = await send('/auth/sign-in', { method: 'POST', headers, body })
      if (!answer.ok) throw new Error((await answer.json()).code)
      await take(await answer.json())
    },

    /** Like `fetch`, by path. Throws `signed_out` where somebody has to sign in. */
    async fetch(path, init = {}) {
      if (access === null) await renewed()
      const used = access
      const answer = await send(path, { ...init, token: used })
      if (!/token_expired|session_ended|credential_invalid/.test(await refusalIn(answer))) return answer
      // Whoever was refused at the same time has renewed it, or is about to.
      if (access === used) access = null
      if (access === null) await renewed()
      return send(path, { ...init, token: access })
    },

    /** Ends the session at the server; here it is over even if the server cannot be told. */
    async signOut() {
      const kept = await store.get()
      await forget()
      if (kept === null) return
      const body = new URLSearchParams({ token: kept })
      const answer = await send('/oauth/revoke', { method: 'POST', body })
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`)
    },
  }
}

/** What the server says of a no; nothing where it said yes. */
async function refusalIn(answer) {
  return answer.status === 400 || answer.status === 401 ? answer.clone().text() : ''
}
