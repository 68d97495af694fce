// The least that a program can be that answers: no check, nothing imported but node:http.
import { createServer } from 'node:http'

const body = JSON.stringify({ user: { id: '1'.padStart(22, 'a') } })
createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}).listen(Number(process.argv[2]), '127.0.0.1')
