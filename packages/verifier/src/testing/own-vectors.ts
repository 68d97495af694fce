import { readFileSync } from 'node:fs'

const folder = new URL('../../../../vectors/', import.meta.url)

/** One of our own vector files. The shape is the caller's claim; `fewest` keeps a changed format from passing as empty. */
export function readOwnVectors<File extends { readonly cases: readonly unknown[] }>(
  name: string,
  fewest: number,
): File {
  const file: File = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'))
  if (file.cases.length < fewest)
    throw new Error(`${name} holds ${file.cases.length} cases, fewer than ${fewest}`)
  return file
}
