// Why: what a visitor of the documents would stumble over is found before they are shown: a page that no list leads to,
// a link to a heading that is gone, Markdown that would come out as something else.
import { makeSite } from './docs/site.ts'
import { conclude, type Problem, repositoryRoot } from './source.ts'

export function checkSite(root: string): Problem[] {
  return makeSite(root).problems
}

if (import.meta.main) conclude('site', checkSite(repositoryRoot))
