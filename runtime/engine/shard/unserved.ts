import { Clock, Effect } from "effect"
import type { Membership } from "../../leases.ts"
import type { Entry, LogStorage, Mail, Messaging } from "../../log.ts"
import { noticeOfWaiting } from "../quarantine/waiting.ts"
import { alertEntry } from "../signals/alert.ts"
import { roleOf, serversOf, typesServed } from "./serving.ts"
import { type UnservedHost, UnservedRoles } from "./unserved-roles.ts"

const LOOK_EVERY = "2 seconds"

/** Says of actor types, and of roles, for which mail waits that no live node has or serves them: once, until one does. */
export class Unserved {
  readonly #log: Pick<LogStorage, "append"> & Pick<Messaging, "answer">
  readonly #nodes: () => Membership["nodes"]
  readonly #roles: UnservedRoles
  /** `type role`, and whether it was said. */
  readonly #met = new Map<string, boolean>()

  constructor(host: UnservedHost) {
    this.#log = host.log
    this.#nodes = host.nodes
    this.#roles = new UnservedRoles(host)
  }

  /** Mail came of a type that this node does not have. Whoever asks hears it, if no other has it either. */
  met(mail: Mail): void {
    const role = roleOf(mail.shard)
    const { type } = mail.to
    if (isServed(type, role, this.#nodes())) return
    const key = `${type} ${role}`
    if (!this.#met.has(key)) this.#met.set(key, false)
    const notice = noticeOfWaiting(mail, sentence(type, role))
    if (notice !== undefined) this.#log.answer(notice.inbox, notice.payload)
  }

  /** Looks now and then, for ever. */
  readonly warn: Effect.Effect<never> = Effect.suspend(() =>
    Effect.forEach([...this.#met], ([key, said]) => this.#say(key, said), { discard: true })
  ).pipe(Effect.andThen(Effect.sleep(LOOK_EVERY)), Effect.forever, (types) =>
    Effect.andThen(Effect.forkChild(Effect.suspend(() => this.#roles.watch)), types)
  )

  #say(key: string, said: boolean): Effect.Effect<void> {
    const [type = "", role = ""] = key.split(" ")
    if (isServed(type, role, this.#nodes())) return Effect.sync(() => void this.#met.delete(key))
    if (said) return Effect.void
    this.#met.set(key, true)
    return Effect.andThen(
      Effect.logWarning("no live node has this actor type: its mail is kept and waits", { type, role }),
      Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.ignore(this.#log.append([alertOf(type, role, now)])))
    )
  }
}

const isServed = (type: string, role: string, nodes: Membership["nodes"]): boolean =>
  serversOf(role, nodes).some((name) => typesServed(nodes.get(name)!, role).includes(type))

const sentence = (type: string, role: string) => `no live node that serves the role ${role} has the actor type ${type}`

const alertOf = (type: string, role: string, at: number): Entry =>
  alertEntry(
    {
      severity: "warning",
      code: "type_unserved",
      message: `${sentence(type, role)}: its messages are kept and wait`,
      at
    },
    { actor_type: type, role }
  )
