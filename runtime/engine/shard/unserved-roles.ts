import { Clock, Effect } from "effect"
import type { Actor } from "../../actor.ts"
import type { Membership } from "../../leases.ts"
import type { Entry, LogStorage, Messaging } from "../../log.ts"
import { Announcer } from "../../pressure.ts"
import { alertEntry } from "../signals/alert.ts"
import { compile } from "../step/compiled.ts"
import { serversOf } from "./serving.ts"

/** How often it is looked, and how often the mail is counted: once in so many looks. */
const LOOK_EVERY = "1 second"
const LOOKS_TO_COUNT = 5
const TYPES_SHOWN = 10

export interface UnservedHost {
  /** The node's. */
  readonly name: string
  readonly log: Pick<LogStorage, "append" | "mailboxes"> & Pick<Messaging, "answer" | "broadcast">
  readonly actors: ReadonlyArray<Actor>
  readonly nodes: () => Membership["nodes"]
  /** Milliseconds by a clock that only goes forward. */
  readonly now: () => number
}

/**
 * Watches over the mail of roles that no live node serves, of those that this node's actors have: says that it waits, once,
 * and refuses more at the senders of an actor for which more waits than its type allows. One node does it: the first by name.
 */
export class UnservedRoles {
  readonly #host: UnservedHost
  readonly #roles: ReadonlySet<string>
  readonly #mailboxMax: ReadonlyMap<string, number>
  readonly #announcer: Announcer
  readonly #said = new Set<string>()
  /** Actors with too much mail, when it was last counted. */
  #crowded: ReadonlyArray<readonly [actor: string, waiting: number]> = []
  #looks = 0

  constructor(host: UnservedHost) {
    this.#host = host
    this.#roles = new Set(host.actors.flatMap(({ definition }) => definition.protocol.role ?? []))
    this.#mailboxMax = new Map(host.actors.map((actor) => [actor.type, compile(actor).mailboxMax]))
    this.#announcer = new Announcer(host.now, host.log.broadcast)
  }

  /** For ever; at once done where all actors may run anywhere. */
  readonly watch: Effect.Effect<void> = Effect.suspend(() =>
    this.#roles.size === 0
      ? Effect.void
      : Effect.suspend(() => this.#look()).pipe(Effect.andThen(Effect.sleep(LOOK_EVERY)), Effect.forever)
  )

  #look(): Effect.Effect<void> {
    const nodes = this.#host.nodes()
    const unserved = [...this.#roles].filter((role) => serversOf(role, nodes).length === 0)
    for (const role of this.#said) if (!unserved.includes(role)) this.#said.delete(role)
    const isOurs = [...nodes.keys()].every((name) => name >= this.#host.name)
    if (unserved.length === 0 || !isOurs) {
      this.#crowded = []
      this.#looks = 0
      return Effect.void
    }
    // What a sender was told counts for little more than a second, and to count the mail each time would cost more.
    for (const [actor, waiting] of this.#crowded) this.#announcer.crowded(actor, waiting)
    if (++this.#looks % LOOKS_TO_COUNT !== 1) return Effect.void
    return Effect.forEach(unserved, (role) => this.#count(role)).pipe(
      Effect.map((crowded) => {
        this.#crowded = crowded.flat()
      })
    )
  }

  #count(role: string): Effect.Effect<ReadonlyArray<readonly [actor: string, waiting: number]>> {
    return this.#host.log.mailboxes(role).pipe(
      Effect.tap((mailboxes) =>
        mailboxes.size === 0 || this.#said.has(role) ? Effect.void : this.#say(role, mailboxes)
      ),
      Effect.map((mailboxes) => [...mailboxes].filter(([actor, count]) => count > this.#mostOf(actor))),
      Effect.catch(() => Effect.succeed([]))
    )
  }

  #mostOf(actor: string): number {
    return this.#mailboxMax.get(typeOf(actor)) ?? Number.POSITIVE_INFINITY
  }

  #say(role: string, mailboxes: ReadonlyMap<string, number>): Effect.Effect<void> {
    this.#said.add(role)
    const types = [...new Set(Array.from(mailboxes.keys(), typeOf))].slice(0, TYPES_SHOWN)
    const messages = [...mailboxes.values()].reduce((sum, count) => sum + count, 0)
    const sentence = "no live node serves this role: its mail is kept and waits"
    return Effect.logWarning(sentence, { role, types, messages }).pipe(
      Effect.andThen(Clock.currentTimeMillis),
      Effect.flatMap((now) => Effect.ignore(this.#host.log.append([alertOf(role, types, messages, now)])))
    )
  }
}

const typeOf = (actor: string): string => actor.split("/", 1)[0] ?? actor

const alertOf = (role: string, types: ReadonlyArray<string>, messages: number, at: number): Entry =>
  alertEntry(
    {
      severity: "warning",
      code: "role_unserved",
      message: `no live node serves the role ${role}: ${messages} messages for actors of ${types.join(", ")} are kept and wait`,
      at
    },
    { role, types }
  )
