-- fsynclint in Neovim, 0.7 and later, without any plugin: copy this file to ~/.config/nvim/plugin/fsynclint.lua.
-- `:FsynclintSteps` lists the steps of the finding under the cursor.

local server = { name = 'fsynclint', cmd = { 'fsynclint', 'lsp' } }

-- The folder of the workspace: that of its lock file, or the outermost with a manifest.
local function root(file)
  local folder = vim.fn.fnamemodify(file, ':p:h')
  for _, name in ipairs({ 'Cargo.lock', 'Cargo.toml' }) do
    local found = vim.fn.findfile(name, folder .. ';', -1)
    if #found > 0 then
      return vim.fn.fnamemodify(found[#found], ':p:h')
    end
  end
end

local clients = {}

local function attach(buffer)
  local folder = root(vim.api.nvim_buf_get_name(buffer))
  local config = vim.tbl_extend('force', server, { root_dir = folder })
  if vim.lsp.start then
    vim.lsp.start(config)
  else
    local key = folder or ''
    clients[key] = clients[key] or vim.lsp.start_client(config)
    vim.lsp.buf_attach_client(buffer, clients[key])
  end
end

vim.api.nvim_create_autocmd('FileType', {
  pattern = 'rust',
  callback = function(event)
    attach(event.buf)
  end,
})

vim.api.nvim_create_user_command('FsynclintSteps', function()
  local line = vim.api.nvim_win_get_cursor(0)[1] - 1
  for _, finding in ipairs(vim.diagnostic.get(0, { lnum = line })) do
    local data = finding.user_data and finding.user_data.lsp or {}
    if finding.source == 'fsynclint' and data.relatedInformation then
      local items = {}
      for _, step in ipairs(data.relatedInformation) do
        local start = step.location.range.start
        table.insert(items, {
          filename = vim.uri_to_fname(step.location.uri),
          lnum = start.line + 1,
          col = start.character + 1,
          text = step.message,
        })
      end
      local title = vim.split(finding.message, '\n')[1]
      vim.fn.setloclist(0, {}, ' ', { title = title, items = items })
      vim.cmd('lopen')
      return
    end
  end
  vim.notify('no finding of fsynclint in this line')
end, {})
