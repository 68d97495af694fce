mkdir services && cd services
cp ~/counterfoil/examples/quickstarts/services/orders.ts ~/counterfoil/examples/quickstarts/services/invoices.ts .
echo '{ "type": "module" }' > package.json
npm install ~/counterfoil/dist/counterfoil-*.tgz express
umask 077 # what is made from here on is readable by you alone
npx counterfoil init --data server
npx counterfoil migrate --data server
npx counterfoil clients add orders --data server --json > orders.json
npx counterfoil clients add invoices --data server --json > invoices.json
npx counterfoil serve --data server
