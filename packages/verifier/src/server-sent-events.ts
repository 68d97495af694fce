/** One event of a `text/event-stream` (HTML, 9.2.6). `id` is null where the event itself brings none. */
export type ServerSentEvent = { readonly event: string; readonly data: string; readonly id: string | null }

/** What was read of a stream and is not a whole event yet. */
export type EventText = {
  /** A line that has not ended. */
  rest: string
  /** The line before ended in CR: an LF that follows belongs to it. */
  afterReturn: boolean
  event: string
  data: string[]
  dataLength: number
  id: string | null
  readonly limit: number
}

export function createEventText(limit: number): EventText {
  return { rest: '', afterReturn: false, event: '', data: [], dataLength: 0, id: null, limit }
}

const lineEnd = /[\r\n]/g

/**
 * The events that this chunk completes, or null where one grows beyond the limit, in characters: nobody honest sends
 * it, and the stream is of no more use. Lines end in LF, CR or CRLF; comments and unknown fields are passed over.
 */
export function readEvents(text: EventText, chunk: string): ServerSentEvent[] | null {
  const found: ServerSentEvent[] = []
  let start = 0
  if (text.afterReturn && chunk !== '') {
    text.afterReturn = false
    if (chunk[0] === '\n') start = 1
  }
  // Only the chunk is searched: what came before holds no line end, and to search it again and again costs its square.
  for (;;) {
    lineEnd.lastIndex = start
    const end = lineEnd.exec(chunk)
    if (end === null) break
    takeLine(text, text.rest + chunk.slice(start, end.index), found)
    text.rest = ''
    start = end.index + 1
    if (end[0] !== '\r') continue
    if (start === chunk.length) text.afterReturn = true
    else if (chunk[start] === '\n') start++
  }
  text.rest += chunk.slice(start)
  return text.rest.length + text.dataLength > text.limit ? null : found
}

function takeLine(text: EventText, line: string, found: ServerSentEvent[]): void {
  if (line === '') {
    dispatch(text, found)
    return
  }
  const colon = line.indexOf(':')
  const name = colon === -1 ? line : line.slice(0, colon)
  const given = colon === -1 ? '' : line.slice(colon + 1)
  const value = given.startsWith(' ') ? given.slice(1) : given
  if (name === 'event') text.event = value
  else if (name === 'data') {
    text.data.push(value)
    text.dataLength += value.length + 1
  } else if (name === 'id' && !value.includes('\0')) text.id = value
}

function dispatch(text: EventText, found: ServerSentEvent[]): void {
  const { event, data, id } = text
  // An event without data is none.
  if (data.length > 0) found.push({ event: event === '' ? 'message' : event, data: data.join('\n'), id })
  text.event = ''
  text.data = []
  text.dataLength = 0
  text.id = null
}
