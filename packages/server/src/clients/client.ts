/** The built-in public client that owns whatever `/auth/*` hands out. */
export const firstPartyClient = 'first-party'
