mkdir notes-fastify && cd notes-fastify
echo '{ "type": "module" }' > package.json
npm install ~/counterfoil/dist/counterfoil-*.tgz fastify
npx counterfoil init
node server.js
