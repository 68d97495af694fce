EMAIL=ada@example.com PASSWORD='seven dull green boats' node phone.js
