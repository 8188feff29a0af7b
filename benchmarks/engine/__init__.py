"""From runs to records: settings, identity, planning, training side by side, scoring, and what is kept."""
