import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"

const BLOCK_BYTES = 512

/** How much of the disk a folder takes, in bytes. What disappears while it is looked at counts for nothing. */
export const folderBytes = (folder: string): number => {
  try {
    return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
      const path = join(folder, entry.name)
      return sum + (entry.isDirectory() ? folderBytes(path) : bytesOf(path))
    }, 0)
  } catch {
    return 0
  }
}

const bytesOf = (path: string): number => (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * BLOCK_BYTES

/** Such as `1.7 GB`. */
export const sizeText = (bytes: number): string =>
  bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
