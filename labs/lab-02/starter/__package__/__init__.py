"""<%= title %>: takes <%= items %> in, prices them, and prints their <%= label %>s."""
