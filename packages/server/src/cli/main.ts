import { Command, CommanderError } from 'commander'
import { version } from '../version.ts'
import { changeAccount, listAccounts } from './accounts.ts'
import { type AttackFlags, attack } from './attack.ts'
import { type Begun, begin } from './begin.ts'
import { addClient, type ClientFlags, listClients, removeClient, rotateClient } from './clients.ts'
import { type CopyFlags, copy } from './copy.ts'
import { doctor } from './doctor.ts'
import { listGrants, withdrawGrant } from './grants.ts'
import { type ImportFlags, importAccounts } from './import.ts'
import { makeKeyPair } from './keypair.ts'
import { listKeys, type RotateFlags, rotateKeys } from './keys.ts'
import { type MigrateFlags, migrate } from './migrate.ts'
import { printDone } from './output.ts'
import { serve } from './serve.ts'
import { endSession, listSessions } from './sessions.ts'
import { type Flags, readSettings } from './settings.ts'

/** The command line. An error is one line on standard error (or one JSON object) and exit code 1, or 2 of `attack`. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await program().parseAsync(argv)
  } catch (error) {
    // Help and version have been shown; help that nobody asked for by name is no success either.
    const isShown = error instanceof CommanderError && /^commander\.(?:help|version)/.test(error.code)
    if (isShown) {
      process.exitCode = error.exitCode
      return
    }
    const message = (error instanceof Error ? error.message : String(error)).replace(/^error: /, '')
    console.error(argv.includes('--json') ? JSON.stringify({ error: message }) : `counterfoil: ${message}`)
    // Of `attack` 1 means that something was found.
    process.exitCode = argv[2] === 'attack' ? 2 : 1
  }
}

/** The commands and their flags, which docs/cli.md is compared with. */
export function program(): Command {
  // A mistyped command is told as every other error is; the commands below take these settings over.
  const program = new Command('counterfoil')
    .description('One session, two carriers.')
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
  const add = (parent: Command, name: string, about: string) =>
    parent
      .command(name)
      .description(about)
      .option('--data <folder>', 'where secret, database and policy live (COUNTERFOIL_DATA, ./data)')
      .option('--database <url>', 'sqlite:PATH or postgres://… (COUNTERFOIL_DATABASE)')

  add(program, 'serve', 'serve until told to stop')
    .option('--port <number>', 'port to listen on, 0 picks a free one (COUNTERFOIL_PORT, 3000)')
    .option('--host <address>', 'address to listen on (COUNTERFOIL_HOST, 127.0.0.1)')
    .option('--issuer <origin>', 'the origin that browsers use (COUNTERFOIL_ISSUER)')
    .action((flags: Flags) => serve(flags))

  const asked = (parent: Command, name: string, about: string) =>
    add(parent, name, about).option('--json', 'print JSON')

  asked(
    program,
    'init',
    'make the root secrets, and in a project the few lines for its framework; replaces nothing',
  ).action((flags: Flags) => {
    const begun = begin(readSettings(flags), process.cwd())
    printDone(begun, { json: flags.json ?? false, text: toldOf(begun) })
  })
  asked(program, 'migrate', 'bring the database up to date')
    .option('--dry-run', 'show the SQL that would run, and change nothing')
    .action((flags: MigrateFlags) => migrate(flags))
  program
    .command('copy')
    .description('move everything to another database that is empty, sessions included')
    .option('--data <folder>', 'where the secret lives (COUNTERFOIL_DATA, ./data)')
    .option('--from <url>', 'the database to read (COUNTERFOIL_DATABASE)')
    .requiredOption('--to <url>', 'sqlite:PATH or postgres://…')
    .option('--force', 'also while a server runs on the source; what it writes meanwhile is lost')
    .option('--json', 'print JSON')
    .action((flags: CopyFlags) => copy(flags))
  asked(program, 'import', 'take accounts of another system in, with their passwords')
    .option('--from <system>', 'better-auth, authjs, supertokens, django or lucia')
    .option('--source <url>', 'its database, which is only read: sqlite:PATH or postgres://…')
    .option('--table <name>', 'the table that holds the accounts, if it has another name')
    .option('--file <path>', 'instead: accounts.jsonl or accounts.csv, as docs/import.md describes')
    .option(
      '--unproven <what>',
      'mailboxes that were never proven: reset (no password, default), skip, trust',
    )
    .option('--dry-run', 'say what would happen, and change nothing')
    .action((flags: ImportFlags) => importAccounts(flags))
  asked(program, 'doctor', 'say what is wrong and what to do')
    .option('--issuer <origin>', 'the origin that browsers use (COUNTERFOIL_ISSUER)')
    .action((flags: Flags) => doctor(flags))

  addAttack(program)

  const accounts = program.command('accounts').description('look at accounts, disable and enable them')
  asked(accounts, 'list', 'all accounts').action((flags: Flags) => listAccounts(flags))
  for (const verb of ['disable', 'enable'] as const) {
    asked(accounts, `${verb} <who>`, `${verb} an account by address or id`).action(
      (who: string, flags: Flags) => changeAccount(who, verb, flags),
    )
  }

  const sessions = program.command('sessions').description('look at live sessions and end them')
  asked(sessions, 'list', 'all live sessions').action((flags: Flags) => listSessions(flags))
  asked(sessions, 'end <id>', 'end one session').action((id: string, flags: Flags) => endSession(id, flags))

  const grants = program
    .command('grants')
    .description('look at what workers may do for people, and withdraw it')
  asked(grants, 'list', 'all live grants').action((flags: Flags) => listGrants(flags))
  asked(grants, 'withdraw <id>', 'withdraw one grant').action((id: string, flags: Flags) =>
    withdrawGrant(id, flags),
  )

  const clients = program.command('clients').description('services and jobs that are known to the server')
  const keys = ['--jwks <file>', 'for private_key_jwt: its public keys, a JWK set or one JWK'] as const
  asked(clients, 'add <name>', 'a new client; its secret is shown once')
    .option('--auth <method>', 'client_secret_basic (default), client_secret_post, private_key_jwt, none')
    .option(...keys)
    .option('--scope <words>', 'all that it may ever ask for, separated by spaces')
    .action((name: string, flags: ClientFlags) => addClient(name, flags))
  clients
    .command('keypair <file>')
    .description('make a key for private_key_jwt: the private half into the file, the public half for --jwks')
    .action((file: string) => makeKeyPair(file))
  asked(clients, 'rotate <id>', 'another secret, or other keys; those before are dead at once')
    .option(...keys)
    .action((id: string, flags: ClientFlags) => rotateClient(id, flags))
  asked(clients, 'list', 'all clients').action((flags: Flags) => listClients(flags))
  asked(clients, 'remove <id>', 'take a client back').action((id: string, flags: Flags) =>
    removeClient(id, flags),
  )

  const signing = program.command('keys').description('look at signing keys and rotate them')
  asked(signing, 'list', 'all signing keys').action((flags: Flags) => listKeys(flags))
  asked(signing, 'rotate', 'publish the next key; it signs once all verifiers know it')
    .option('--now', 'let it sign at once')
    .option('--compromised', 'a key was stolen: the reserve signs at once, and nothing older is believed')
    .action((flags: RotateFlags) => rotateKeys(flags))

  return program
}

function toldOf({ made, kept = [], framework, next }: Begun): string {
  const isProject = framework !== undefined
  const secrets =
    made.length === 0
      ? 'All secrets are there already.'
      : `Made ${made.join(' and ')}. Keep copies apart from the database.`
  const lines = isProject
    ? [
        `Found: ${framework === 'page' ? 'a single-page application' : framework}`,
        ...made.map((path) => `  made  ${path}`),
        ...kept.map((path) => `  kept  ${path}, as it was`),
      ]
    : [secrets]
  return next === undefined ? lines.join('\n') : [...lines, '', next].join('\n')
}

function addAttack(program: Command): void {
  program
    .command('attack <url>')
    .description('attack your own deployment, with a test account, and report what it accepts')
    .option(
      '--target <file>',
      'a description of it, instead of its own at /.well-known/counterfoil-attack.json',
    )
    .option('--account <name>', 'the test account')
    .option('--password-file <file>', 'where its password is, - for standard input')
    .option('--origin <origin>', 'as browsers see it, if that is not <url>')
    .option(
      '--sign-in <route>',
      "by cookie: 'POST /login user={name}&password={password}', or JSON for a body",
    )
    .option('--token-sign-in <route>', 'the same by token')
    .option('--access-member <member>', 'what holds the access token in its answer (access_token)')
    .option('--refresh <route>', "how to refresh: 'POST /refresh token={refresh_token}'")
    .option('--refresh-member <member>', 'what holds the refresh token (refresh_token)')
    .option('--token-sign-out <route>', "how a token is signed out, if not as below; 'forget': not at all")
    .option('--keys <path>', 'the public keys (/.well-known/jwks.json)')
    .option('--proof', 'a token sign-in with a DPoP proof hands out tokens bound to its key')
    .option('--expired <token>', "an expired token: a file, or what answers with one: 'GET /expired token'")
    .option('--other-audience <token>', 'the same of a token that was made for another service')
    .option('--who <route>', "what tells who is signed in: 'GET /me'")
    .option('--act <route>', 'what only the account itself should do: \'POST /pay {"to":"x","amount":1}\'')
    .option(
      '--effect <route>',
      "what shows that it was done, and the member to look at: 'GET /balance balance'",
    )
    .option('--sign-out <route>', 'how to sign out')
    .option('--redirect <route>', "what sends browsers on: 'GET /login?next={url}'")
    .option('--socket <path>', 'a WebSocket that is signed in by cookie')
    .option('--csrf <route>', "where {csrf} of the other routes comes from: 'GET /form field'")
    .option('--requests <number>', 'send at most so many (1500)')
    .option('--seconds <number>', 'take at most so long (180)')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nA host other than this machine has to consent at that path. Exit code 0: nothing found, 1: found, 2: could not run.\nEvery check, and how to describe a deployment: docs/attack.md',
    )
    .action((url: string, flags: AttackFlags) => attack(url, flags))
}
