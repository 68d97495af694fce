// Why: `npm run docs` writes the documents as a site that opens from the folder it lies in.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { conclude, repositoryRoot } from '../source.ts'
import { makeSite } from './site.ts'

const folder = join(repositoryRoot, '.cache/site')

export function writeSite(folder: string): ReturnType<typeof makeSite> {
  const site = makeSite(repositoryRoot)
  rmSync(folder, { recursive: true, force: true })
  for (const [path, content] of site.files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  return site
}

if (import.meta.main) {
  const { problems } = writeSite(folder)
  conclude('documents', problems)
  console.log(`open ${join(folder, 'index.html')}`)
}
