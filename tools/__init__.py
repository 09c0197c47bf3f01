"""What is run beside loopbot: on its dependencies."""
