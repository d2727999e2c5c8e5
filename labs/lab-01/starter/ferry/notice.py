"""What passengers have to know today. The office changes it with every commit."""

NOTICE = "The <%= line | capitalize %> line sails on time."
