import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { folderBytes } from "../../server/data-size.ts"
import { dataFolder, start } from "../support/command.ts"
import { http } from "../support/gateway.ts"
import { real, saw } from "../support/long.ts"

const mount = (folder: string) =>
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=120m", "tmpfs", folder], { stdio: "ignore" })
const unmount = (folder: string) => execFileSync("umount", ["-l", folder], { stdio: "ignore" })

/** Why a small disk cannot be mounted here; nothing if it can. */
const withoutDisk = ((): string | undefined => {
  if (process.platform !== "linux") return "only Linux has a disk that can be made small"
  const folder = mkdtempSync(join(tmpdir(), "conclave-disk-"))
  try {
    mount(folder)
    unmount(folder)
    return undefined
  } catch {
    return "this user may not mount a disk"
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})()
if (withoutDisk !== undefined) console.log(`    a full disk is not tried: ${withoutDisk}`)

/** A disk of 120 MB. */
const smallDisk = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "conclave-disk-"))
    mount(folder)
    return folder
  }),
  (folder) =>
    Effect.sync(() => {
      unmount(folder)
      rmSync(folder, { recursive: true, force: true })
    })
)

const LIMIT = 50e6

describe("the disk of conclave up", () => {
  it.live.skipIf(withoutDisk !== undefined)(
    "is full: it says so and refuses, and goes on by itself once there is room",
    () =>
      real(
        Effect.gen(function* () {
          const disk = yield* smallDisk
          const up = yield* start(["up", "--port", "0", "--data", join(disk, "data"), "--speed", "50"])
          yield* up.says(/ACME {2,}\S/)
          const port = Number(/http:\/\/127\.0\.0\.1:(\d+)\/api/.exec(up.stdout())?.[1])
          const ready = http(port, "/readyz")
          const becomes = (status: number) =>
            ready.pipe(
              Effect.repeat({ until: (answer) => answer.status === status, schedule: Schedule.spaced("500 millis") }),
              Effect.timeout("90 seconds")
            )
          yield* becomes(200)
          const { bavail, bsize } = statfsSync(disk)
          writeFileSync(join(disk, "filler"), Buffer.alloc(Math.max(0, bavail * bsize - 3e6)))
          const refused = yield* becomes(503)
          yield* Effect.sleep("15 seconds")
          const full = yield* ready
          assert.deepInclude(full, { status: 503 })
          assert.match(full.text, /is full \(\d+ MB free\)\. Make room there/)
          rmSync(join(disk, "filler"))
          const decisions = () => up.stdout().match(/agree/g)?.length ?? 0
          const before = decisions()
          yield* becomes(200)
          yield* Effect.sync(decisions).pipe(
            Effect.repeat({ until: (count) => count > before + 20, schedule: Schedule.spaced("200 millis") }),
            Effect.timeout("60 seconds")
          )
          const said = up.stderr()
          assert.lengthOf(said.match(/nothing is stored: the disk of the data folder/g) ?? [], 1, "said once")
          assert.include(said, "what is decided is stored again")
          yield* saw(`${refused.text.slice(0, 160)} … and ${decisions() - before} decisions since there is room`)
        })
      )
  )

  it.live("is not used beyond CONCLAVE_DATA_LIMIT, however much is decided", () =>
    real(
      Effect.gen(function* () {
        const folder = yield* dataFolder
        const args = ["up", "--port", "0", "--data", folder, "--speed", "60", "--for", "3m"]
        const up = yield* start(args, { CONCLAVE_DATA_LIMIT: "50 MB" })
        let most = 0
        const looking = Effect.sync(() => {
          most = Math.max(most, folderBytes(folder))
        }).pipe(Effect.repeat(Schedule.spaced("500 millis")))
        const { code, stderr } = yield* Effect.raceFirst(up.ended, Effect.andThen(looking, Effect.never))
        const decisions = up.stdout().match(/agree/g)?.length ?? 0
        yield* saw(
          `${decisions} decisions in three minutes; the folder took at most ${(most / 1e6).toFixed(1)} MB of 50`
        )
        assert.strictEqual(code, 0, stderr)
        assert.isAbove(most, 0.5 * LIMIT, "enough was decided to come near the limit")
        // What is written between two looks is much beside so low a limit.
        assert.isAtMost(most, 1.3 * LIMIT)
      })
    )
  )
})
