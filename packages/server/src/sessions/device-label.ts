import Bowser from 'bowser'

/**
 * A name that a person recognises in a list. A label only: nothing trusts it. It is printed by the command line too,
 * so nothing stays in it that a terminal obeys (U+009B begins a control sequence) or that turns the text around.
 */
export function deviceLabel(userAgent: string | null): string {
  const text = (userAgent ?? '').slice(0, 512).replace(/\p{C}/gu, '')
  if (text === '') return 'Unknown device'
  const { browser, os } = Bowser.parse(text)
  const program = (browser.name || text.split(/[\s/]/, 1)[0]?.slice(0, 40)) ?? ''
  if (program === '') return 'Unknown device'
  return !os.name ? program : `${program} on ${os.name}`
}
