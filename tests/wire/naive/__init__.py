"""The ways that look right and lose events: kept as code so that their loss can be shown, each beside ours."""
