import { createApi } from './api.js'
import { auth } from './auth.js'

const port = Number(process.env.PORT ?? 3000)
const ready = () => console.log(`listening on http://localhost:${port}`)
createApi(auth).listen(port, '127.0.0.1').on('listening', ready)
