/** Something that answers `GET /me` on a port of this machine, in a process of its own. */
export type Application = {
  readonly port: number
  readonly pid: number
  /** So many credentials, each as the line of the header that brings it. */
  credentials(count: number): Promise<string[]>
  close(): Promise<void>
}
