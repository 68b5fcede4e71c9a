import { type Address, formatAddress, type Pause, type Pauses, type Target } from "../../runtime/index.ts"
import type { Channel } from "./host.ts"

/** What is paused, as the server knows it. */
export class ControlTable {
  readonly #pauses = new Map<string, Pause>()
  readonly #watchers = new Set<Channel<Pauses>>()

  /** False if the same target is paused already. */
  pause(pause: Pause): boolean {
    const key = keyOf(pause.target)
    if (this.#pauses.has(key)) return false
    this.#pauses.set(key, pause)
    this.#tell()
    return true
  }

  resume(target: Target): boolean {
    const found = this.#pauses.delete(keyOf(target))
    if (found) this.#tell()
    return found
  }

  watch(channel: Channel<Pauses>): () => void {
    this.#watchers.add(channel)
    channel.send(this.pauses)
    return () => void this.#watchers.delete(channel)
  }

  get pauses(): Pauses {
    const pauses = new Map(this.#pauses)
    const widest = (address: Address) => [EVERYTHING, `type ${address.type}`, `actor ${formatAddress(address)}`]
    return {
      all: [...pauses.values()],
      isEmpty: pauses.size === 0,
      of: (address) => {
        const key = widest(address).find((each) => pauses.has(each))
        return key === undefined ? undefined : pauses.get(key)
      }
    }
  }

  #tell(): void {
    const { pauses } = this
    for (const channel of [...this.#watchers]) if (!channel.send(pauses)) this.#watchers.delete(channel)
  }
}

const EVERYTHING = "everything"

const keyOf = (target: Target): string => {
  if (target.kind === "actor") return `actor ${formatAddress(target.address)}`
  return target.kind === "type" ? `type ${target.type}` : EVERYTHING
}
