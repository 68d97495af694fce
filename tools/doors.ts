// Why: the doors themselves, as one table that an auditor can read from top to bottom.

export type Door = { what: string; patterns: RegExp[]; only: string[]; why: string; within?: string[] }

export const server = 'packages/server/src/'
const inServer = (...names: string[]) => names.map((name) => server + name)
// A verifier runs in processes of others, where the server's machine is not.
const machine = 'packages/verifier/src/machine.ts'
const called = (name: string) => new RegExp(`(?<![.\\w$])${name}\\s*\\(`, 'g')
const imported = (name: string, module: string) =>
  new RegExp(`import\\s*(?:type\\s*)?\\{[^}]*\\b${name}\\b[^}]*\\}\\s*from\\s*['"]${module}['"]`, 'g')
const crypto = '(?:node:)?crypto'

// The browser package runs on a visitor's machine, out of the reach of the server's clock, chance and keys.
const house = ['packages/server/', 'packages/verifier/']

export const doors: readonly Door[] = [
  {
    what: 'writes a cookie',
    patterns: [/set-cookie/gi, /document\s*\.\s*cookie/g, called('setCookie')],
    // The kit reads the cookies of the servers that it attacks, and writes none.
    only: inServer('carriers/cookie.ts', 'attack/received-cookies.ts'),
    why: 'every cookie needs the same prefix and attributes',
  },
  {
    what: 'reads time',
    patterns: [
      /\bDate\s*\.\s*now\b/g,
      /\bnew\s+Date\s*(?:\(\s*\)|(?!\s*\())/g,
      /\bperformance\s*\.\s*(?:now|timeOrigin)\b/g,
      /\bprocess\s*\.\s*hrtime\b/g,
      /\bTemporal\s*\.\s*Now\b/g,
    ],
    only: [...inServer('node/clock.ts'), machine],
    why: 'time is passed in, so every rule can be tried at any moment',
    within: house,
  },
  {
    what: 'draws randomness',
    patterns: [
      /\b(?:randomBytes|randomUUID(?:v7)?|randomInt|randomFill(?:Sync)?|getRandomValues)\b/g,
      /\bMath\s*\.\s*random\b/g,
    ],
    only: [...inServer('node/entropy.ts'), machine],
    why: 'secrets come from one source of known strength',
    within: house,
  },
  {
    what: 'compares secrets',
    patterns: [/\btimingSafeEqual\b/g],
    only: inServer('node/secrets.ts'),
    why: 'a comparison that leaks time is easy to write and hard to see',
  },
  {
    what: 'signs a token',
    patterns: [/\bcreateSign\b/g, imported('sign', crypto), /\b(?:crypto|subtle)\s*\.\s*sign\b/g],
    // A worker signs who it is and what it sends, with keys of its own, and no token.
    only: [...inServer('node/signing.ts'), 'packages/verifier/src/worker-signing.ts'],
    why: 'what may be signed is decided in one place',
    within: house,
  },
  {
    what: 'checks a signature',
    patterns: [/\bcreateVerify\b/g, imported('verify', crypto), /\b(?:crypto|subtle)\s*\.\s*verify\b/g],
    only: ['packages/verifier/src/signatures.ts', 'packages/verifier/src/signatures-web.ts'],
    why: 'the algorithm is pinned there and nowhere asked of the token',
  },
  {
    what: 'shows a refusal',
    patterns: [/problem\+json/gi],
    only: inServer('http/problem.ts'),
    why: 'what an outsider learns from a "no" is decided in one place',
    within: ['packages/server/'],
  },
  {
    what: 'reads the environment',
    patterns: [/\bprocess\s*\.\s*env\b/g, imported('env', '(?:node:)?process')],
    // The programs that `init` writes read it themselves.
    only: inServer('node/environment.ts', 'cli/starters.ts'),
    why: 'settings are parsed once; nothing changes behind their back',
  },
  {
    what: 'writes unescaped HTML',
    patterns: [imported('raw', 'hono/html(?:/\\w+)?'), called('raw')],
    only: inServer('http/html.ts'),
    why: 'everything else is escaped by the template',
  },
  {
    what: 'writes unescaped SQL',
    patterns: [/\bsql\s*\.\s*(?:raw|lit|literal)\b/g],
    only: [],
    why: 'values travel as parameters',
  },
  {
    what: 'makes code from text',
    patterns: [called('eval'), /\bnew\s+Function\b/g],
    only: [],
    why: 'text from outside could become code',
  },
]
