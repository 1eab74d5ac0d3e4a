"""Parts of all comments: header, escaping, size budget, wording of numbers and times."""
