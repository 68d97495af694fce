// Why: code is easier to read in a few colours, and a page that reads without script has them built in. Each language
// is one pattern with named groups; what it does not name stays plain.
import { extname } from 'node:path'

export const escapeHtml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const keywords =
  'as|async|await|break|case|catch|class|const|continue|default|delete|do|else|export|extends|finally|for|from|function|if|import|in|instanceof|interface|let|new|null|of|return|satisfies|static|switch|this|throw|true|false|try|type|typeof|undefined|void|while|yield'
const script = new RegExp(
  String.raw`(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<string>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\x60(?:\\[\s\S]|[^\x60\\])*\x60)|(?<keyword>(?<![\w.$])(?:${keywords})(?![\w$:]))|(?<number>(?<![\w.])\d[\d_.]*\b)`,
  'g',
)
const shell =
  /(?<comment>(?<=^|\s)#[^\n]*)|(?<string>'[^']*'|"(?:\\.|[^"\\])*")|(?<keyword>\$\w+|\$\{[^}]*\}|(?<=^|\n)[A-Z_]+(?==))/g
const json =
  /(?<keyword>"(?:\\.|[^"\\])*"(?=\s*:))|(?<string>"(?:\\.|[^"\\])*")|(?<number>\b(?:true|false|null|\d+)\b)/g
const http =
  /(?<keyword>(?<=^|\n)[A-Za-z-]+(?=:)|(?<=^|\n)(?:GET|POST|DELETE|HTTP\/1\.1)\b)|(?<string>"(?:\\.|[^"\\\n])*")/g
const settings =
  /(?<comment>(?<=^|\s)#[^\n]*)|(?<string>"[^"\n]*"|'[^'\n]*')|(?<keyword>(?<=^|\n)\s*[\w-]+(?=[\s:]))/g
const plain = /(?!)/g

const languages: Readonly<Record<string, RegExp>> = {
  ...{ ts: script, tsx: script, js: script, mjs: script, sh: shell, json, http },
  ...{
    nginx: settings,
    yaml: settings,
    yml: settings,
    ini: settings,
    conf: settings,
    sql: plain,
    html: plain,
  },
  '': plain,
}

export const isKnownLanguage = (language: string) => Object.hasOwn(languages, language)

/** HTML of the code: text, and spans of the classes comment, string, keyword and number. */
export function highlight(code: string, language: string): string {
  let html = ''
  let done = 0
  for (const found of code.matchAll(languages[language] ?? plain)) {
    const kind = Object.entries(found.groups ?? {}).find(([, text]) => text !== undefined)?.[0]
    if (kind === undefined) continue
    // Each line by itself, so that lines can be told apart in a listing.
    const lines = found[0].split('\n').map((line) => `<span class="${kind}">${escapeHtml(line)}</span>`)
    html += escapeHtml(code.slice(done, found.index)) + lines.join('\n')
    done = found.index + found[0].length
  }
  return html + escapeHtml(code.slice(done))
}

export function languageOf(file: string): string {
  const language = extname(file).slice(1)
  return isKnownLanguage(language) ? language : ''
}
