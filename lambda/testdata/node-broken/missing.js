require('nonesuch');
