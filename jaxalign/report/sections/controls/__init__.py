"""Sections of the page that controls fill: several right answers, confounds, hubs."""
