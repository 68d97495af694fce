import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)

/** React as it is published is for Node; a browser is given the same files as modules, in their form for development. */
function moduleOf(
  name: string,
  file: string,
  { needs = [], gives = [] }: { needs?: readonly string[]; gives?: readonly string[] },
): string {
  const code = readFileSync(join(dirname(require.resolve(`${name}/package.json`)), 'cjs', file), 'utf8')
  const imports = needs.map((need, index) => `import need${index} from '/react/${need}.js'`)
  const table = needs.map((need, index) => `${JSON.stringify(need)}: need${index}`)
  return [
    ...imports,
    `const required = { ${table.join(', ')} }`,
    'const module = { exports: {} }, exports = module.exports, require = (name) => required[name]',
    "const process = { env: { NODE_ENV: 'development' } }",
    code,
    'export default module.exports',
    `export const { ${gives.join(', ')} } = module.exports`,
  ].join('\n')
}

const hooks = ['createContext', 'createElement', 'useContext', 'useEffect', 'useMemo', 'useSyncExternalStore']

/** What a page with React loads, by path. */
export function reactFiles(): Map<string, string> {
  return new Map([
    ['/react/react.js', moduleOf('react', 'react.development.js', { gives: hooks })],
    ['/react/scheduler.js', moduleOf('scheduler', 'scheduler.development.js', {})],
    ['/react/react-dom.js', moduleOf('react-dom', 'react-dom.development.js', { needs: ['react'] })],
    [
      '/react/client.js',
      moduleOf('react-dom', 'react-dom-client.development.js', {
        needs: ['react', 'react-dom', 'scheduler'],
        gives: ['createRoot', 'hydrateRoot'],
      }),
    ],
  ])
}

/** A page that shows `html` from the server and gives it life with `script`, in which `React` and all of ours is there. */
export function reactPage(html: string, script: string): string {
  return `<!doctype html><title>react</title>
<script type="importmap">{ "imports": { "react": "/react/react.js" } }</script>
<div id="root">${html}</div>
<script type="module">
import React from '/react/react.js'
import { createRoot, hydrateRoot } from '/react/client.js'
import { createClient } from '/lib/index.js'
import { SessionProvider, useSession } from '/lib/react.js'
const root = document.getElementById('root')
${script}
</script>`
}
