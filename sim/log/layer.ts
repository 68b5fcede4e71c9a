import { Clock, Context, Deferred, Effect, Exit, Layer } from "effect"
import {
  ActorLog,
  Controls,
  type EventReads,
  type Inherited,
  Leases,
  type Membership,
  type Pauses
} from "../../runtime/index.ts"
import { makeEventReads } from "./event-reads.ts"
import type { Host } from "./host.ts"
import type { LeaseLife } from "./leases.ts"
import { directLink, type Link } from "./link.ts"
import { listen, makeLog } from "./port.ts"
import { type ServerOptions, SimulatedServer } from "./server.ts"

/** The ports of one process. */
export interface Ports {
  readonly log: Context.Service.Shape<typeof ActorLog>
  readonly leases: Context.Service.Shape<typeof Leases>
  readonly controls: Context.Service.Shape<typeof Controls>
  readonly events: Context.Service.Shape<typeof EventReads>
}

/** The ports on which a node runs, as services. */
export const contextOf = ({ log, leases, controls }: Ports): Context.Context<ActorLog | Leases | Controls> =>
  Context.make(ActorLog, log).pipe(Context.add(Leases, leases), Context.add(Controls, controls))

/** What a process reaches of a server by its link. */
export const makePorts = (server: SimulatedServer, link: Link): Ports => ({
  log: makeLog(server, link),
  leases: makeLeases(server, link),
  controls: makeControls(server, link),
  events: makeEventReads(server, link)
})

/** A server in memory, whose time is that of the `Clock` here. It ends with the scope. */
export const makeServer = Effect.fnUntraced(function* (options: ServerOptions) {
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const context = yield* Effect.context<never>()
  const host: Host = {
    now: () => clock.currentTimeMillisUnsafe(),
    at: (time, run) => {
      const millis = Math.max(0, time - clock.currentTimeMillisUnsafe())
      const later = millis === 0 ? Effect.yieldNow : Effect.sleep(millis)
      Effect.runSyncWith(context)(Effect.forkIn(Effect.andThen(later, Effect.sync(run)), scope))
    }
  }
  return { server: new SimulatedServer(host, options), host }
})

/** The ports of a new process on a server, until the scope closes. */
export const openPorts = (server: SimulatedServer, host: Host) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => directLink(server.newProcess(), host)),
      (link) => Effect.sync(() => link.cut())
    ),
    (link) => makePorts(server, link)
  )

const makeLeases = (server: SimulatedServer, link: Link): Ports["leases"] => {
  const table = server.leases
  const lives = new Map<string, { readonly life: LeaseLife; renewals: number }>()
  let number = 0
  return Leases.of({
    ttlMillis: table.ttlMillis,
    join: (node, announcement) =>
      Effect.suspend(() => {
        const life: LeaseLife = { node, process: link.process, number: ++number }
        if (lives.has(node)) return Effect.succeed(false)
        return Effect.acquireRelease(
          link
            .call<boolean>("join", (answer) => answer(table.join(life, announcement)))
            .pipe(Effect.tap((joined) => Effect.sync(() => joined && lives.set(node, { life, renewals: 0 })))),
          () =>
            Effect.suspend(() => {
              if (lives.get(node)?.life === life) lives.delete(node)
              return Effect.ignore(link.call("release", (answer) => answer(table.end(life))))
            })
        )
      }),
    renew: (node, announcement) =>
      Effect.suspend(() => {
        const joined = lives.get(node)
        if (joined === undefined) return Effect.succeed(false)
        const renewal = ++joined.renewals
        const { life } = joined
        return link.call<boolean>("renew", (answer) => answer(table.renew(life, renewal, announcement)))
      }),
    watch: (see) => listen<Membership>(link, "membership", "state", see, (channel) => table.watch(channel)),
    acquire: (shard, node) =>
      Effect.suspend(() => {
        const life = lives.get(node)?.life
        if (life === undefined) return Effect.succeed(false)
        return link.call<boolean>("acquire", (answer) => answer(table.acquire(shard, life)))
      }),
    inherited: (shard) => link.call<Inherited | undefined>("acquire", (answer) => answer(table.inherited(shard))),
    note: (shard, text) => link.call<void>("acquire", (answer) => answer(table.note(shard, text))),
    release: (shard, node) =>
      Effect.suspend(() => {
        const life = lives.get(node)?.life
        if (life === undefined) return Effect.void
        return link.call<void>("release", (answer) => answer(table.release(shard, life)))
      })
  })
}

const makeControls = (server: SimulatedServer, link: Link): Ports["controls"] => {
  const table = server.controls
  const read = link.call<Pauses>("pause", (answer) => answer(table.pauses))
  return Controls.of({
    pause: (pause) => link.call("pause", (answer) => answer(table.pause(pause))),
    resume: (target) => link.call("pause", (answer) => answer(table.resume(target))),
    read,
    // What is now comes the same way as what changes: two ways could overtake one another.
    watch: (see) =>
      Effect.gen(function* () {
        const first = Deferred.makeUnsafe<void>()
        const take = (pauses: Pauses) => {
          see(pauses)
          Deferred.doneUnsafe(first, Exit.void)
        }
        yield* listen<Pauses>(link, "watch", "state", take, (channel) => table.watch(channel))
        yield* Deferred.await(first)
      })
  })
}

/** The three ports in memory, for one process: time is that of the `Clock`, and nothing goes wrong. */
export const layerInMemory = (options: ServerOptions): Layer.Layer<ActorLog | Leases | Controls> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const { server, host } = yield* makeServer(options)
      return contextOf(yield* openPorts(server, host))
    })
  )
