/** A unit shorter than this is worth nothing, however often it is repeated. */
const shortUnit = 8
const shortestRun = 3

/** In the order of the keys and of the alphabet; they also run backwards, and digits go round. */
const sequences = [
  '12345678901234567890',
  'abcdefghijklmnopqrstuvwxyz',
  'qwertyuiop[]',
  'asdfghjkl;',
  'zxcvbnm,./',
  'qwertzuiop',
  'yxcvbnm',
  'azertyuiop',
  'qsdfghjklm',
  'qwertyuiopasdfghjklzxcvbnm',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/',
  'qazwsxedcrfvtgbyhnujmikolp',
  '!@#$%^&*()_+',
].flatMap((sequence) => [sequence, [...sequence].reverse().join('')])

/** On the list, or one of the list with digits in a row around it, or the repetition of a short or listed unit. */
export function isPredictable(folded: string, common: ReadonlySet<string>): boolean {
  if (isListed(folded, common)) return true
  const unit = repeatedUnit(folded)
  if (unit === null) return false
  return [...unit].length < shortUnit || isListed(unit, common) || isComposedOfRuns(unit)
}

function isListed(folded: string, common: ReadonlySet<string>): boolean {
  if (common.has(folded)) return true
  const isDigit = (at: number) => /^\d$/.test(folded.charAt(at))
  let from = 0
  let to = folded.length
  while (isDigit(from)) from += 1
  while (to > from && isDigit(to - 1)) to -= 1
  const padding = [folded.slice(0, from), folded.slice(to)]
  return (
    common.has(folded.slice(from, to)) && padding.every((digits) => digits === '' || isComposedOfRuns(digits))
  )
}

/** The shortest unit that the text repeats at least twice (the last repetition may be cut short), or `null`. */
function repeatedUnit(text: string): string | null {
  const characters = [...text]
  const length = characters.length - longestBorder(characters)
  return length * 2 <= characters.length ? characters.slice(0, length).join('') : null
}

/** How much of the beginning stands again at the end: what is left is the unit (Knuth, Morris, Pratt; linear). */
function longestBorder(characters: readonly string[]): number {
  const borders = [0]
  let length = 0
  for (let at = 1; at < characters.length; at++) {
    while (length > 0 && characters[at] !== characters[length]) length = borders[length - 1] ?? 0
    if (characters[at] === characters[length]) length += 1
    borders.push(length)
  }
  return length
}

/** Nothing but keys or letters in a row and repeated characters: `qwertyuiop12345`, `aaa111bbb222`. */
export function isComposedOfRuns(folded: string): boolean {
  let rest = folded
  while (rest !== '') {
    const length = runLength(rest)
    if (length < shortestRun) return false
    rest = rest.slice(length)
  }
  return folded !== ''
}

function runLength(text: string): number {
  let longest = 1
  while (text[longest] === text[0]) longest += 1
  for (const sequence of sequences) {
    for (
      let from = sequence.indexOf(text.charAt(0));
      from !== -1;
      from = sequence.indexOf(text.charAt(0), from + 1)
    ) {
      longest = Math.max(longest, sharedLength(text, sequence.slice(from)))
    }
  }
  return longest
}

function sharedLength(text: string, sequence: string): number {
  let length = 0
  while (length < text.length && text[length] === sequence[length]) length += 1
  return length
}
