// A server does not outlive the process that started it, however that ends: what is killed can do nothing itself.
import { type ChildProcess, spawn } from "node:child_process"
import { Effect } from "effect"
import { environmentWith } from "./environment.ts"

export interface Watched {
  /** The server. */
  readonly pid: number
  /** A word of its command line, by which it is known from another process with its pid. */
  readonly mark: string
  /** A folder that is removed once the server has ended; none unless given. */
  readonly throwaway: string | undefined
}

/**
 * It waits for a line. The end of its input without one is the end of our process: the kernel closes the pipe, also where we were
 * killed. Then the server is asked to stop, killed 10 seconds later, and what was temporary removed.
 */
const SCRIPT = `
trap '' HUP INT TERM
read -r line && exit 0
runs() {
  if [ -d /proc/self ]; then grep -qsF -- "$2" "/proc/$1/cmdline"; else kill -0 "$1" 2>/dev/null; fi
}
runs "$@" && kill -TERM "$1"
left=100
while runs "$@" && [ "$left" -gt 0 ]; do sleep 0.1; left=$((left - 1)); done
runs "$@" && kill -KILL "$1"
if [ -n "$3" ]; then rm -rf -- "$3"; fi
`

/** Begins to watch. Where there is no shell nothing watches, and the server is told to stop by the process's own end alone. */
export const watchParent = ({ pid, mark, throwaway = "" }: Watched): ParentWatch =>
  new ParentWatch(
    // A group of its own: a signal to ours, such as Ctrl-C, is not for it.
    spawn("/bin/sh", ["-c", SCRIPT, "conclave-watch", String(pid), mark, throwaway], {
      cwd: "/",
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
      env: environmentWith({})
    })
  )

/** A watch over a server. */
export class ParentWatch {
  readonly #shell: ChildProcess
  #ended = false

  constructor(shell: ChildProcess) {
    this.#shell = shell
    const ended = () => {
      this.#ended = true
    }
    shell.once("exit", ended).once("error", ended)
    // It may have ended before it is told something.
    shell.stdin?.on("error", () => undefined)
    // Neither keeps a program alive that has nothing else to do.
    shell.unref()
    if (shell.stdin !== null && "unref" in shell.stdin && typeof shell.stdin.unref === "function") shell.stdin.unref()
  }

  /** Ends it: the server was stopped in order. */
  readonly end: Effect.Effect<void> = Effect.callback<void>((resume) => {
    if (this.#ended) return resume(Effect.void)
    const ended = () => resume(Effect.void)
    this.#shell.once("exit", ended).once("error", ended)
    this.#shell.ref()
    this.#shell.stdin?.end("stopped\n")
  })
}
