import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { jetstreamManager } from "@nats-io/jetstream"
import { nuid } from "@nats-io/transport-node"
import { Effect, type Scope } from "effect"
import { type Bare, type BareMessage, closeBare, GROUP, mailOf, type Outgoing, openBare, storeGroup } from "./bare.ts"
import { type Decide, startWorker } from "./bare-worker.ts"
import type { Nodes } from "./system.ts"

const MAIN = fileURLToPath(new URL("./bare-main.ts", import.meta.url))

/** The bare loops at work, as a client sees them. */
export interface BareLoad {
  /** Sends `count` messages to `keys` keys, grouped. Succeeds when all are recorded. */
  readonly tellAll: (keys: number, count: number) => Effect.Effect<void>
  /** Asks so many times, one after the other or so many at once. Gives milliseconds each. */
  readonly asks: (options: BareAsks) => Effect.Effect<ReadonlyArray<number>>
  /** Stores records of this size, in characters, and gives their subject. */
  readonly records: (count: number, characters: number) => Effect.Effect<string>
  /** Reads all of them; gives how many there were. */
  readonly read: (subject: string) => Effect.Effect<number>
  /** How many messages were recorded, since the start. */
  readonly recorded: () => number
  /** The most memory that one of the processes took, in bytes; 0 where they are none. */
  readonly rssMax: () => number
}

export interface BareAsks {
  readonly kind: BareMessage["kind"]
  readonly count: number
  readonly atOnce: number
  readonly key: (index: number) => string
  /** How much larger than its bare self each message is, in characters; none unless given. */
  readonly padding?: number
}

/** The bare loop with one consumer in this process, or with several in processes of their own. */
export const bareLoad = (url: string, nodes: Nodes, decide?: Decide): Effect.Effect<BareLoad, never, Scope.Scope> =>
  Effect.gen(function* () {
    const bare = yield* Effect.acquireRelease(
      Effect.promise(() => openBare(url, nodes === "here" ? 1 : nodes)),
      (opened) => Effect.promise(() => closeBare(opened))
    )
    const counter = makeCounter()
    if (nodes === "here") yield* Effect.promise(() => startWorker(bare, 0, counter.add, decide))
    else for (let part = 0; part < nodes; part++) yield* startProcess(url, bare, part, counter)
    const answers = new Map<string, () => void>()
    const inbox = `reply.${nuid.next()}`
    bare.connection.subscribe(inbox, {
      callback: (_, message) => answers.get(message.json<{ id: string }>().id)?.()
    })
    const send = makeSender(bare)
    const ask = (message: Omit<BareMessage, "reply" | "id">, key: string) =>
      new Promise<void>((resolve) => {
        const id = nuid.next()
        answers.set(id, () => {
          answers.delete(id)
          resolve()
        })
        send(mailOf(bare, key, { ...message, id, reply: inbox }))
      })
    return {
      tellAll: (keys, count) => Effect.promise(() => tellAll(bare, counter, keys, count)),
      asks: (options) => Effect.promise(() => askAll(ask, options)),
      records: (count, characters) => Effect.promise(() => storeRecords(bare, count, characters)),
      read: (subject) => Effect.promise(() => readAll(bare, subject)),
      recorded: () => counter.count,
      rssMax: () => counter.rss
    }
  })

const makeCounter = () => {
  const counter = {
    count: 0,
    rss: 0,
    add: (recorded: number) => {
      counter.count += recorded
      if (counter.count >= reached.at) reached.resume()
    },
    /** Waits until so many are recorded in all. */
    reaches: (at: number) =>
      new Promise<void>((resume) => {
        reached = { at, resume }
        counter.add(0)
      })
  }
  let reached = { at: Number.POSITIVE_INFINITY, resume: () => {} }
  return counter
}

type Counter = ReturnType<typeof makeCounter>

const startProcess = (url: string, { stream, parts }: Bare, part: number, counter: Counter) =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<() => void>((resolve, reject) => {
          const args = [MAIN, url, stream, String(parts), String(part)]
          const child = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] })
          child.once("exit", (code) => reject(new Error(`a bare loop ended with ${code}`)))
          child.on("message", (said: "ready" | { readonly recorded: number; readonly rss: number }) => {
            if (said === "ready") return resolve(() => child.disconnect())
            counter.rss = Math.max(counter.rss, said.rss)
            counter.add(said.recorded)
          })
        })
    ),
    (end) => Effect.sync(end)
  )

/** Sends messages in groups: what comes while one is on its way is the next. */
const makeSender = (bare: Bare) => {
  let queue: Array<Outgoing> = []
  let sending = false
  const run = async () => {
    sending = true
    while (queue.length > 0) {
      const group = queue.slice(0, GROUP)
      queue = queue.slice(GROUP)
      await storeGroup(bare, group)
    }
    sending = false
  }
  return (mail: Outgoing): void => {
    queue.push(mail)
    if (!sending) void run()
  }
}

const tellAll = async (bare: Bare, counter: Counter, keys: number, count: number): Promise<void> => {
  const recorded = counter.reaches(counter.count + count)
  for (let sent = 0; sent < count; ) {
    const group: Array<Outgoing> = []
    for (; group.length < GROUP && sent < count; sent++) {
      group.push(mailOf(bare, `k${sent % keys}`, { kind: "add", n: 1 }))
    }
    await storeGroup(bare, group)
  }
  await recorded
}

const askAll = async (
  ask: (message: Omit<BareMessage, "reply" | "id">, key: string) => Promise<void>,
  { kind, count, atOnce, key, padding = 0 }: BareAsks
): Promise<ReadonlyArray<number>> => {
  const took: Array<number> = []
  const pad = padding === 0 ? {} : { pad: "x".repeat(padding) }
  let next = 0
  const run = async () => {
    while (next < count) {
      const index = next++
      const start = performance.now()
      await ask({ kind, n: 1, ...pad }, key(index))
      took.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, run))
  return took
}

const storeRecords = async (bare: Bare, count: number, characters: number): Promise<string> => {
  const subject = `${bare.stream}.journal.${nuid.next()}`
  const payload = "x".repeat(characters)
  for (let stored = 0; stored < count; stored += GROUP) {
    await storeGroup(
      bare,
      Array.from({ length: Math.min(GROUP, count - stored) }, () => ({ subject, payload }))
    )
  }
  return subject
}

const readAll = async ({ connection, stream }: Bare, subject: string): Promise<number> => {
  const { direct } = await jetstreamManager(connection, { checkAPI: false })
  const newest = await direct.getMessage(stream, { last_by_subj: subject })
  if (newest === null) return 0
  let found = 0
  for await (const message of await direct.getBatch(stream, { seq: 1, next_by_subj: subject, batch: 1_000 })) {
    if (message.string().length > 0) found++
  }
  return found
}
