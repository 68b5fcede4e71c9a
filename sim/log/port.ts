import { type Context, Effect, type Scope } from "effect"
import {
  ActorLog,
  type AppendError,
  type LogStatus,
  type Mail,
  type PublishedEvent,
  type ReadError,
  shardOf
} from "../../runtime/index.ts"
import type { Channel } from "./host.ts"
import type { Link, LinkCall } from "./link.ts"
import type { MailPage, SimulatedServer } from "./server.ts"
import { LIMITS } from "./store.ts"

const AGAIN = "100 millis"

/** One process's `ActorLog` on a server, by its link. */
export const makeLog = (server: SimulatedServer, link: Link): Context.Service.Shape<typeof ActorLog> => {
  const { store } = server
  const inbox = `reply.${link.process}`
  let ids = 0
  return ActorLog.of({
    limits: LIMITS,
    shards: store.shards,
    append: (group, id) =>
      Effect.flatMap(
        link.call<number | AppendError>("append", (answer) => answer(store.append(link.process, group, id))),
        (stored) => (typeof stored === "number" ? Effect.succeed(stored) : Effect.fail(stored))
      ),
    readJournal: (owner) => link.call("journal", (answer) => answer(store.readJournal(owner))),
    tail: (after, deliver, reached = () => undefined) =>
      after.size === 0
        ? Effect.void
        : Effect.asVoid(Effect.forkScoped(follow({ server, link, after, deliver, reached }))),
    readMail: (owner, after, max) => {
      const shard = shardOf(owner, store.shards)
      const isIts = ({ to, shard: its }: Mail) => to.type === owner.type && to.id === owner.id && its === shard
      return link.call("mail", (answer) => answer(bounded(store.readMail(after, max, isIts))))
    },
    mailboxes: (role) => link.call("mail", (answer) => answer(store.mailboxes(role))),
    purge: (upTo, role) =>
      link.call("purge", (answer) => {
        store.purge(upTo, role)
        answer(undefined)
      }),
    purgeType: (upTo, role, type, except) =>
      link.call("purge", (answer) => {
        store.purgeType(upTo, role, type, except)
        answer(undefined)
      }),
    watch: (pattern, see) =>
      listen<PublishedEvent>(link, "watch", "events", see, (channel) => server.watch(pattern, channel)),
    status: statusOf(server),
    check: link.call("check", (answer) => answer(undefined)),
    newId: () => `${link.process}.${++ids}`,
    inbox,
    answer: (to, payload) => link.cast(() => server.answer(to, payload)),
    broadcast: (payload) => link.cast(() => server.broadcast(payload)),
    broadcasts: (hear) => listen<string>(link, "watch", "events", hear, (channel) => server.hear(channel)),
    answers: (take) => listen<string>(link, "watch", "events", take, (channel) => server.takeAnswers(inbox, channel))
  })
}

/** There is one life of the log, and nothing is wrong with it. */
const statusOf = ({ store }: SimulatedServer): LogStatus => ({
  life: "only",
  get lastSequence() {
    return store.lastSequence
  },
  rewinds: 0,
  fault: undefined,
  confirmedAt: undefined
})

const PAGE_CHARACTERS_MAX = 4 * 1024 * 1024

/** Large mail is read piece by piece. */
const bounded = (mails: ReadonlyArray<Mail>): ReadonlyArray<Mail> => {
  let characters = 0
  const last = mails.findIndex(({ payload }) => {
    characters += payload.length
    return characters >= PAGE_CHARACTERS_MAX
  })
  return last < 0 ? mails : mails.slice(0, last + 1)
}

/** Listens on a channel until the scope closes. What a listener throws is its own. */
export const listen = <A>(
  link: Link,
  call: LinkCall,
  kind: "events" | "state",
  take: (value: A) => void,
  open: (channel: Channel<A>) => () => void
): Effect.Effect<void, ReadError, Scope.Scope> =>
  Effect.suspend(() => {
    let listening = true
    const channel = link.channel<A>(kind, (value) => {
      if (listening) quietly(() => take(value))
    })
    return Effect.acquireRelease(
      link.call<() => void>(call, (answer) => answer(open(channel))),
      (close) =>
        Effect.sync(() => {
          listening = false
          link.cast(close)
        })
    ).pipe(Effect.asVoid)
  })

const quietly = (run: () => void): void => {
  try {
    run()
  } catch {
    // Whoever listens next is told all the same.
  }
}

interface Following {
  readonly server: SimulatedServer
  readonly link: Link
  readonly after: ReadonlyMap<string, number>
  readonly deliver: (mail: Mail) => Effect.Effect<void> | undefined
  readonly reached: (sequence: number) => void
}

/** Pulls page after page, for ever. What was asked in vain is asked again. */
const follow = ({ server, link, after, deliver, reached }: Following): Effect.Effect<never> => {
  const shards = new Set(after.keys())
  const oldest = Math.min(...after.values())
  let cursor = oldest
  const pull = Effect.suspend(() => {
    const from = Math.max(oldest, link.readOnFrom(cursor))
    return link.call<MailPage>("pull", (answer) => server.pull(shards, from, answer))
  })
  return Effect.forever(
    Effect.flatMap(pull, ({ mails, upTo }) =>
      Effect.gen(function* () {
        for (const mail of mails) {
          if (mail.sequence <= after.get(mail.shard)!) continue
          const waits = deliver(mail)
          if (waits !== undefined) yield* waits
        }
        cursor = Math.max(cursor, upTo)
        if (mails.length === 0) reached(upTo)
      })
    ).pipe(Effect.catch(() => Effect.sleep(AGAIN)))
  )
}
