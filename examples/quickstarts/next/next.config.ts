import type { NextConfig } from 'next'

const config: NextConfig = { serverExternalPackages: ['counterfoil'] }

export default config
