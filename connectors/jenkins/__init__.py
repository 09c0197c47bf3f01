"""Jenkins: builds that deploy, with the issues they deliver. It is only read."""
