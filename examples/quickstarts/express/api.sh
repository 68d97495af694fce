mkdir ../invoices
(umask 077 && npx counterfoil clients add invoices --json > ../invoices/invoices.json)
cd ../invoices
cp ~/counterfoil/examples/quickstarts/services/invoices.ts .
echo '{ "type": "module" }' > package.json
npm install ~/counterfoil/dist/counterfoil-verifier-*.tgz
node invoices.ts
