"""Questions to people: asking them where they are, hearing the answers, and taking answers back."""
