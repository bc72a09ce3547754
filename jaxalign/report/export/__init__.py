"""A run's results in the forms that others read: `tables` for papers, `hub` for Hugging Face and MTEB, `samples`."""
