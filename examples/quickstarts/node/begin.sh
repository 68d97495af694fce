mkdir notes-node && cd notes-node
echo '{ "type": "module" }' > package.json
npm install ~/counterfoil/dist/counterfoil-*.tgz
npx counterfoil init
node server.js
